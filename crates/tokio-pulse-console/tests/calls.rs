//! Every call, over a Unix socket and over TCP, against a real service with hogs.

#![cfg(unix)]

mod common;

use std::time::Duration;

use common::{
    Client, Hogs, block_on, eventually, fast, over_tcp, over_unix, until, watch, watched,
};
use tokio_pulse::config::SiteTerms;
use tokio_pulse_console::ConsoleServer;
use tokio_pulse_proto::v1::{self, Section};
use tokio_pulse_proto::{KEY_METADATA, Reason};

/// At ten a second, more than come while one hog runs.
const UPDATES_A_HOG: usize = 10;

const HOG: Duration = Duration::from_millis(30);

fn served_both_ways(test: impl AsyncFn(Client, &tokio_pulse::Runtime)) {
    let runtime = watched(2);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("console.sock");
    let server = ConsoleServer::bind_unix(&path, runtime.handle()).unwrap();
    assert_eq!((server.path(), server.local_addr()), (Some(path.as_path()), None));
    block_on(async { test(over_unix(path.clone()).await, &runtime).await });
    drop(server);
    assert!(!path.exists());

    let runtime = watched(2);
    let server = ConsoleServer::bind("127.0.0.1:0", runtime.handle()).unwrap();
    block_on(async { test(over_tcp(&server).await, &runtime).await });
}

#[test]
fn who_is_there_and_what_it_can_do() {
    served_both_ways(async |mut client, _| {
        let request =
            v1::HandshakeRequest { oldest_version: 1, newest_version: 3, client: "test".into() };
        let answer = client.handshake(request).await.unwrap().into_inner();
        assert_eq!(answer.version, 1);
        assert_eq!(answer.process_id, std::process::id());
        assert_eq!(answer.flavor, "multi-thread");
        assert!(answer.program.starts_with("calls"), "{}", answer.program);
        assert!(answer.capabilities.iter().any(|one| one.name == "rescue" && one.available));
        assert_eq!(answer.limits.unwrap().max_subscribers, 32);
        assert!(!answer.read_only);

        let future =
            v1::HandshakeRequest { oldest_version: 2, newest_version: 9, ..Default::default() };
        let status = client.handshake(future).await.unwrap_err();
        assert_eq!(Reason::of(&status), Some(Reason::UnknownVersion));
    });
}

#[test]
fn what_goes_on_is_watched() {
    served_both_ways(async |mut client, runtime| {
        let hogs = Hogs::spawn(runtime, 2, HOG);
        let mut updates = watch(&mut client, fast(&[])).await.unwrap();
        let first = updates.message().await.unwrap().unwrap();
        assert_eq!((first.sequence, first.interval_ns), (1, 100_000_000));
        assert!(first.overview.is_some() && first.workers.is_some() && first.suspects.is_some());
        assert!(first.lanes.is_some() && first.alerts.is_some());
        assert_eq!(first.overview.as_ref().unwrap().workers, 2);
        assert!(first.config.unwrap().settings.iter().any(|setting| setting.key == "slice"));

        let suspect = until(&mut updates, |update| {
            assert!(update.config.is_none(), "it has not changed");
            let mut suspects = update.suspects?.suspects.into_iter();
            suspects.find(|suspect| suspect.name.starts_with("hog-") && suspect.tier > 0)
        })
        .await;
        assert!(suspect.spawned_at.unwrap().file.ends_with("common/mod.rs"));
        assert!(suspect.violations > 0 && suspect.cpu_ns > 0 && suspect.movable);
        assert_eq!(suspect.priority, i32::from(v1::Priority::Normal));
        assert_eq!(suspect.budget_ns, 10_000_000);
        until(&mut updates, |update| {
            update.overview.filter(|overview| overview.violations > 0 && overview.stalls > 0)
        })
        .await;
        drop(hogs);
    });
}

#[test]
fn stalls_are_told_with_their_stacks_and_their_end() {
    served_both_ways(async |mut client, runtime| {
        // Or the later ones are suspected by their site, give their worker away, and stall nobody.
        let exempt = SiteTerms { exempt: true, ..SiteTerms::default() };
        runtime.handle().tiers().set_site("*", Some(exempt)).unwrap();
        let sections = [Section::Stalls];
        let mut updates = watch(&mut client, fast(&sections)).await.unwrap();
        let first = updates.message().await.unwrap().unwrap();
        assert!(first.overview.is_none() && first.stalls.is_empty());
        let mut told = Vec::new();
        let began = std::time::Instant::now();
        // One kind is told once a minute, and the end of one may be lost.
        let kinds = [hog::<0>, hog::<1>, hog::<2>, hog::<3>];
        let ended = 'rounds: loop {
            for kind in kinds {
                runtime.spawn(async move { kind() }).await.unwrap();
                // All that came meanwhile: an update that is not read holds up those behind it.
                for _ in 0..UPDATES_A_HOG {
                    let update = updates.message().await.unwrap().unwrap();
                    for event in update.stalls {
                        match event.event.unwrap() {
                            v1::stall_event::Event::Report(report) => told.push(report),
                            v1::stall_event::Event::End(end) => break 'rounds end,
                        }
                    }
                }
                // On a machine with ten times more to run than processors a hog takes seconds, and may end unasked.
                assert!(began.elapsed() < 2 * common::PATIENCE, "the end was not told: {told:?}");
            }
        };
        assert!(ended.lasted_ns >= 50_000_000 && ended.spawned_at.is_some());
        let report = told.into_iter().find(|told| told.stall == ended.stall).unwrap();
        assert!(report.elapsed_ns >= 50_000_000);
        let stack = report.stack.unwrap();
        let named = stack.frames.iter().any(|frame| frame.function.contains("hog"));
        // A thread that the kernel does not let run does not answer.
        assert!(named || !stack.missing.is_empty() || stack.truncated, "{stack:?}");
    });
}

/// Each `KIND` is a function of its own.
#[inline(never)]
fn hog<const KIND: u64>() {
    common::burn(Duration::from_millis(400 + KIND));
}

#[test]
fn the_configuration_is_read_and_changed_as_a_whole() {
    served_both_ways(async |mut client, runtime| {
        let set = |values: &[(&str, &str)]| v1::SetConfigRequest {
            assignments: values
                .iter()
                .map(|&(key, value)| v1::Assignment { key: key.into(), value: value.into() })
                .collect(),
            ..Default::default()
        };
        let value = |config: &v1::Config, key: &str| {
            let setting = config.settings.iter().find(|setting| setting.key == key).unwrap();
            (setting.value.clone(), setting.origin.clone())
        };
        let before = client.get_config(v1::GetConfigRequest {}).await.unwrap().into_inner();
        let before = before.config.unwrap();

        let change = set(&[("slice", "25ms"), ("lane.threads", "3")]);
        let dry = v1::SetConfigRequest { dry_run: true, ..change.clone() };
        let would_be = client.set_config(dry).await.unwrap().into_inner().config.unwrap();
        assert_eq!(value(&would_be, "slice").0, "25ms");
        assert_ne!(runtime.handle().tiers().config().slice(), Duration::from_millis(25));

        let stale = v1::SetConfigRequest { expected_revision: Some(0), ..change.clone() };
        let status = client.set_config(stale).await.unwrap_err();
        assert_eq!(Reason::of(&status), Some(Reason::Conflict));

        let known = v1::SetConfigRequest { expected_revision: Some(before.revision), ..change };
        let after = client.set_config(known).await.unwrap().into_inner().config.unwrap();
        assert_eq!(value(&after, "slice"), ("25ms".into(), "update".into()));
        assert!(after.revision > before.revision);
        assert_eq!(runtime.handle().tiers().config().slice(), Duration::from_millis(25));

        for (values, key, reason) in [
            (vec![("slice", "5ms"), ("slise", "5ms")], "slise", Reason::Invalid),
            (vec![("slice", "5ms"), ("gate.permits", "-1")], "gate.permits", Reason::Invalid),
            (
                vec![("slice", "5ms"), ("tier.3.action", "monitor")],
                "tier.3.action",
                Reason::Invalid,
            ),
            (vec![("runtime.worker_threads", "8")], "runtime.worker_threads", Reason::StartOnly),
        ] {
            let status = client.set_config(set(&values)).await.unwrap_err();
            assert_eq!(Reason::of(&status), Some(reason), "{key}");
            assert_eq!(Reason::key_of(&status), Some(key), "{KEY_METADATA}");
        }
        assert_eq!(runtime.handle().tiers().config().slice(), Duration::from_millis(25));

        // A policy as a whole, and one that does not go with the others.
        let policy = v1::TierPolicy {
            name: "by hand".into(),
            action: v1::Action::SlowQueue.into(),
            promote_after_violations: None,
            demote_after_good_polls: 7,
            minimum_time_ns: 2_000_000_000,
            good_poll_cpu_ns: 500_000,
            ..Default::default()
        };
        let request = v1::SetTierPolicyRequest { tier: 3, policy: Some(policy.clone()) };
        let config = client.set_tier_policy(request).await.unwrap().into_inner().config.unwrap();
        assert_eq!(value(&config, "tier.3.name"), ("by hand".into(), "update".into()));
        assert_eq!(value(&config, "tier.3.minimum_time").0, "2s");
        let mild = v1::TierPolicy { action: v1::Action::Monitor.into(), ..policy };
        for (tier, policy) in [(3, Some(mild.clone())), (9, Some(mild)), (1, None)] {
            let request = v1::SetTierPolicyRequest { tier, policy };
            let status = client.set_tier_policy(request).await.unwrap_err();
            assert_eq!(Reason::of(&status), Some(Reason::Invalid), "{status}");
        }
        let back = set(&[("slice", "10ms"), ("tier.3.name", "slow lane")]);
        client.set_config(back).await.unwrap();
    });
}

/// Also through two servers, each of which has a thread of its own.
#[test]
fn of_two_clients_who_have_seen_the_same_configuration_one_succeeds() {
    let runtime = watched(1);
    let servers = [0; 2].map(|_| ConsoleServer::bind("127.0.0.1:0", runtime.handle()).unwrap());
    block_on(async {
        let (mut one, mut other) = (over_tcp(&servers[0]).await, over_tcp(&servers[1]).await);
        // The rate of changes is bounded.
        for _ in 0..10 {
            let seen = one.get_config(v1::GetConfigRequest {}).await.unwrap().into_inner();
            let request = |slice: &str| v1::SetConfigRequest {
                assignments: vec![v1::Assignment { key: "slice".into(), value: slice.into() }],
                expected_revision: Some(seen.config.as_ref().unwrap().revision),
                ..Default::default()
            };
            let answers =
                tokio::join!(one.set_config(request("5ms")), other.set_config(request("20ms")));
            let answers = [answers.0, answers.1];
            assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
            let status = answers.into_iter().find_map(Result::err).unwrap();
            assert_eq!(Reason::of(&status), Some(Reason::Conflict), "{status}");
        }
    });
}

#[test]
fn a_task_and_a_spawn_site_are_set_by_hand() {
    served_both_ways(async |mut client, runtime| {
        let hogs = Hogs::spawn(runtime, 1, HOG);
        let tiers = runtime.handle().tiers().clone();
        let task = eventually(async || tiers.suspects().first().map(|one| one.task_id())).await;
        let task_id: u64 = task.to_string().parse().unwrap();

        let request = v1::SetTaskRequest {
            task_id,
            tier: Some(3),
            priority: Some(v1::Priority::Low.into()),
            budget_ns: Some(20_000_000),
            reset: false,
        };
        let set = client.set_task(request).await.unwrap().into_inner().suspect.unwrap();
        assert_eq!((set.tier, set.budget_ns, set.set_by_hand), (3, 20_000_000, true));
        assert_eq!(set.priority, i32::from(v1::Priority::Low));
        // It stays so while the task is polled.
        let before = tiers.suspect_numbered(task_id).unwrap().violations();
        eventually(async || {
            let now = tiers.suspect_numbered(task_id)?;
            (now.violations() > before).then_some(())
        })
        .await;
        let now = tiers.suspect_numbered(task_id).unwrap();
        assert_eq!((now.tier() as u32, now.budget()), (3, Duration::from_millis(20)));

        let reset = v1::SetTaskRequest { task_id, reset: true, ..Default::default() };
        let set = client.set_task(reset).await.unwrap().into_inner().suspect.unwrap();
        assert!(!set.set_by_hand && set.priority == i32::from(v1::Priority::Normal));

        for (request, reason) in [
            (
                v1::SetTaskRequest { task_id: u64::MAX, tier: Some(1), ..Default::default() },
                Reason::NotOnRecord,
            ),
            (v1::SetTaskRequest { task_id, tier: Some(4), ..Default::default() }, Reason::Invalid),
            (
                v1::SetTaskRequest { task_id, priority: Some(9), ..Default::default() },
                Reason::Invalid,
            ),
            (
                v1::SetTaskRequest { task_id, budget_ns: Some(1), ..Default::default() },
                Reason::Invalid,
            ),
            (v1::SetTaskRequest { task_id, ..Default::default() }, Reason::Invalid),
        ] {
            let status = client.set_task(request).await.unwrap_err();
            assert_eq!(Reason::of(&status), Some(reason), "{status}");
        }

        let site = "common/mod.rs".to_owned();
        let request =
            v1::SetSpawnSiteRequest { site: site.clone(), tier: Some(2), ..Default::default() };
        let rule = client.set_spawn_site(request).await.unwrap().into_inner().rule.unwrap();
        assert_eq!((rule.tier, rule.set_by_hand), (Some(2), true));
        // One that has done nothing yet is where it was said.
        let task = runtime.spawn(async {
            loop {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
        drop(task);
        // On a busy machine one may be blamed by chance: then the next one shows it.
        eventually(async || {
            let _innocent = Hogs::spawn(runtime, 1, Duration::ZERO);
            tokio::time::sleep(Duration::from_millis(50)).await;
            let suspects = tiers.suspects();
            suspects.iter().any(|one| one.tier() as u32 == 2 && one.violations() == 0).then_some(())
        })
        .await;
        let priority = v1::SetSpawnSiteRequest {
            site: site.clone(),
            priority: Some(v1::Priority::High.into()),
            ..Default::default()
        };
        let rule = client.set_spawn_site(priority).await.unwrap().into_inner().rule.unwrap();
        assert_eq!((rule.tier, rule.priority), (Some(2), Some(v1::Priority::High.into())));
        let reset = v1::SetSpawnSiteRequest { site, reset: true, ..Default::default() };
        assert_eq!(client.set_spawn_site(reset).await.unwrap().into_inner().rule, None);
        assert!(tiers.config().rules().is_empty());
        let nothing =
            v1::SetSpawnSiteRequest { site: String::new(), tier: Some(1), ..Default::default() };
        let status = client.set_spawn_site(nothing).await.unwrap_err();
        assert_eq!(Reason::of(&status), Some(Reason::Invalid));
        drop(hogs);
    });
}

#[test]
fn spawn_sites_have_advice() {
    served_both_ways(async |mut client, runtime| {
        let hogs = Hogs::spawn(runtime, 2, HOG);
        let client = &mut client;
        let began = std::time::Instant::now();
        let sites = loop {
            let request = v1::GetSpawnSitesRequest { limit: 1 };
            let answer = client.get_spawn_sites(request).await.unwrap().into_inner();
            if !answer.sites.is_empty() {
                break answer;
            }
            assert!(began.elapsed() < common::PATIENCE);
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        let site = &sites.sites[0];
        assert!(site.site.as_ref().unwrap().file.ends_with("common/mod.rs"));
        assert!(site.violations > 0 && site.cpu_ns > 0 && site.longest_ns > 0);
        assert_ne!(site.advice, i32::from(v1::Advice::Unspecified));
        assert!(!site.advice_text.is_empty() && sites.total >= 1);
        drop(hogs);
    });
}
