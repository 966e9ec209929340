use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::config::ConfigProfile;
use crate::tier::InterventionAction;

const ROUNDS: usize = 200;

fn named(config: &TierConfig, tier: Tier, name: String) -> TierPolicy {
    config.policy(tier).to_builder().name(name).build().unwrap()
}

#[test]
fn concurrent_updates_do_not_lose_each_other() {
    let handle = ConfigHandle::new(TierConfig::default());
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut reads = 0u64;
            loop {
                // Whatever is read is whole.
                assert!(handle.current().to_builder().build().is_ok());
                reads += 1;
                if done.load(Ordering::Relaxed) {
                    break reads;
                }
            }
        });
        let writers = Tier::ALL.map(|tier| {
            let handle = handle.clone();
            scope.spawn(move || {
                for round in 1..=ROUNDS {
                    let policy = named(&handle.current(), tier, format!("round {round}"));
                    handle.update_tier_policy(tier, policy).unwrap();
                }
            })
        });
        for writer in writers {
            writer.join().unwrap();
        }
        done.store(true, Ordering::Relaxed);
        assert!(reader.join().unwrap() > 0);
    });
    let names = Tier::ALL.map(|tier| handle.current().policy(tier).name().to_owned());
    assert_eq!(names, [(); 4].map(|()| format!("round {ROUNDS}")));
}

#[test]
fn a_bad_update_changes_nothing_and_tells_nobody() {
    let handle = ConfigHandle::new(TierConfig::default());
    let news = handle.subscribe();
    let before = handle.current();
    let mild = TierPolicy::builder("mild").action(InterventionAction::Monitor).build().unwrap();
    let error = handle.update_tier_policy(Tier::Three, mild).unwrap_err();
    assert_eq!(error.key(), Some("tier.3.action"));
    assert!(Arc::ptr_eq(&before, &handle.current()));
    assert!(!news.has_changed().unwrap());
}

#[test]
fn who_is_told_finds_the_same() {
    let handle = ConfigHandle::new(TierConfig::default());
    let mut news = handle.subscribe();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let other = handle.clone();
        let updates = std::thread::spawn(move || {
            for profile in ConfigProfile::ALL {
                other.update_config(TierConfig::profile(profile));
            }
        });
        while news.borrow_and_update().base_profile() != ConfigProfile::Custom {
            news.changed().await.unwrap();
        }
        updates.join().unwrap();
    });
    assert!(Arc::ptr_eq(&handle.current(), &news.borrow()));
}

#[test]
fn a_reader_does_not_wait_for_an_update_in_progress() {
    let handle = ConfigHandle::new(TierConfig::default());
    let _updating = handle.updating();
    let _borrowed = handle.0.news.borrow();
    // Would not come back if it took either lock.
    assert_eq!(handle.current().base_profile(), ConfigProfile::Balanced);
}

#[test]
fn handles_cross_threads() {
    fn shared<T: Clone + Send + Sync + 'static>() {}
    shared::<ConfigHandle>();
    fn sent<T: Send + Sync + 'static>() {}
    sent::<FileWatch>();
}

#[cfg(feature = "config-file")]
#[test]
fn a_file_is_read_again_between_the_layers_of_the_beginning() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.toml");
    let mut layers = Layers::new();
    layers.environment([("TOKIO_PULSE_SUSPECTS_LIMIT", "77")]);
    let handle = ConfigHandle::with_layers(layers.resolve().unwrap().config, layers);
    let write = |text: &str| std::fs::write(&path, text).unwrap();

    write("slice = \"5ms\"\nsuspects.limit = 99\nruntime.worker_threads = 1");
    handle.reload_file(&path).unwrap();
    let config = handle.current();
    assert_eq!((config.slice(), config.suspects_limit()), (Duration::from_millis(5), 77));

    for bad in
        ["slice = 5", "slice = \"1h\"", "[tier.2]\naction = \"warn\"\n[tier.1]\naction = \"yield\""]
    {
        write(bad);
        assert!(handle.reload_file(&path).unwrap_err().is_file());
        assert!(Arc::ptr_eq(&config, &handle.current()));
    }
    assert!(handle.reload_file(folder.path().join("missing")).unwrap_err().is_file());
}

#[cfg(not(feature = "config-file"))]
#[test]
fn without_the_feature_files_are_refused() {
    let handle = ConfigHandle::new(TierConfig::default());
    assert!(handle.reload_file("p.toml").unwrap_err().is_missing_feature());
    let watch = handle.watch_file("p.toml", Duration::from_secs(1));
    assert!(watch.unwrap_err().is_missing_feature());
}
