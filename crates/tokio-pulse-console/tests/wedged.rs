//! With every worker in an infinite loop the console tells where, and takes changes.

mod common;

use std::time::Duration;

use common::{Wedge, block_on, fast, over_tcp, until, watch, watched};
use tokio_pulse_console::ConsoleServer;
use tokio_pulse_proto::Reason;
use tokio_pulse_proto::v1::{self, Section};

#[test]
fn a_wedged_runtime_is_seen_and_steered() {
    let runtime = watched(2);
    let server = ConsoleServer::bind("127.0.0.1:0", runtime.handle()).unwrap();
    let wedge = Wedge::drive(&runtime);
    block_on(async {
        // It comes only now: nothing was prepared for it.
        let mut client = over_tcp(&server).await;
        client.handshake(v1::HandshakeRequest::default()).await.unwrap();

        let request = v1::GetStacksRequest { stalled_only: true, ..Default::default() };
        let stacks = client.get_stacks(request).await.unwrap().into_inner().stacks;
        assert_eq!(stacks.len(), 4, "two workers and two that stand by");
        assert!(stacks.iter().all(|stack| stack.stalled && stack.worker.is_some()));
        let named = |stack: &v1::ThreadStack| {
            let stack = stack.stack.as_ref().unwrap();
            stack.frames.iter().any(|frame| frame.function.contains("stuck_for_ever"))
        };
        if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
            assert!(stacks.iter().any(named), "{stacks:?}");
        }
        let one = v1::get_stacks_request::Which::Tid(stacks[0].tid);
        let request = v1::GetStacksRequest { which: Some(one), stalled_only: false };
        let found = client.get_stacks(request).await.unwrap().into_inner().stacks;
        assert_eq!(found.len(), 1);
        let nobody = v1::get_stacks_request::Which::Worker(99);
        let request = v1::GetStacksRequest { which: Some(nobody), stalled_only: false };
        let status = client.get_stacks(request).await.unwrap_err();
        assert_eq!(Reason::of(&status), Some(Reason::NoSuchThread));

        let change = v1::Assignment { key: "slice".into(), value: "25ms".into() };
        let request = v1::SetConfigRequest { assignments: vec![change], ..Default::default() };
        client.set_config(request).await.unwrap();
        assert_eq!(runtime.handle().tiers().config().slice(), Duration::from_millis(25));

        let sections = [Section::Overview, Section::Workers];
        let mut updates = watch(&mut client, fast(&sections)).await.unwrap();
        until(&mut updates, |update| {
            let workers = update.workers?.workers;
            let stalled = |worker: &&v1::Worker| worker.state() == v1::WorkerState::Stalled;
            (workers.iter().filter(stalled).count() == 4).then_some(())
        })
        .await;
        // The empty task that was sent to find out has not come back, and its time is told.
        until(&mut updates, |update| {
            let overview = update.overview?;
            (overview.stalls_in_progress == 4
                && overview.reserves_free == 0
                && overview.scheduling_delay_ns > 150_000_000)
                .then_some(())
        })
        .await;
        drop(wedge);
        until(&mut updates, |update| (update.overview?.stalls_in_progress == 0).then_some(()))
            .await;
        // The server outlives the runtime, and says so.
        // Not on a thread of Tokio's, which must not wait.
        std::thread::spawn(move || drop(runtime)).join().unwrap();
        until(&mut updates, |update| update.overview?.ended.then_some(())).await;
        let status = client.get_stacks(v1::GetStacksRequest::default()).await.unwrap_err();
        assert_eq!(Reason::of(&status), Some(Reason::Stopped));
        // A subscriber is told of the end.
        drop(server);
        let end = loop {
            match updates.message().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("the end has a reason"),
                Err(status) => break status,
            }
        };
        assert_eq!(Reason::of(&end), Some(Reason::Stopped), "{end}");
    });
}

#[test]
fn the_stack_of_a_task_on_the_lane_is_told() {
    let runtime = watched(1);
    let server = ConsoleServer::bind("127.0.0.1:0", runtime.handle()).unwrap();
    let over = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let seen = over.clone();
    let task = runtime.handle().lane().spawn(async move { common::stuck_for_ever(&seen) });
    let task_id: u64 = task.id().to_string().parse().unwrap();
    block_on(async {
        let mut client = over_tcp(&server).await;
        let began = std::time::Instant::now();
        let stack = loop {
            let which = Some(v1::get_stacks_request::Which::TaskId(task_id));
            let request = v1::GetStacksRequest { which, stalled_only: false };
            match client.get_stacks(request).await {
                Ok(found) => break found.into_inner().stacks.remove(0),
                Err(status) => {
                    assert!(began.elapsed() < common::PATIENCE, "{status}");
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            }
        };
        assert_eq!((stack.task_id, stack.worker), (Some(task_id), None));
        assert_eq!(stack.thread, "pulse-lane");
    });
    over.store(true, std::sync::atomic::Ordering::Relaxed);
}
