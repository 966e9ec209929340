//! What the tasks do. Nothing here knows which runtime it is on.

use std::sync::Arc;
use std::time::Duration;

use pulse::side::SideRuntime;
use tokio::sync::mpsc;
use tokio::task::yield_now;
use tokio::time::sleep;

use super::burn::{self, Burn};
use super::record::{Record, TICK};

pub(crate) async fn probe(record: Arc<Record>, id: usize) {
    while let Some(begun) = record.begin_wait(id) {
        sleep(TICK).await;
        record.end_wait(id, begun, TICK);
    }
    record.waiter_is_done();
}

pub(crate) async fn hog(record: Arc<Record>, id: usize, burn: Burn) {
    let mut buffer = burn::buffer(id);
    while !record.is_over() {
        record.time_burn(id, || burn.run(&mut buffer));
        yield_now().await;
    }
    record.hog_is_done();
}

pub(crate) fn spawn_pair(
    runtime: &SideRuntime,
    record: &Arc<Record>,
    id: usize,
    pace: Option<Duration>,
) {
    let (to_pong, from_ping) = mpsc::channel(1);
    let (to_ping, from_pong) = mpsc::channel(1);
    runtime.spawn(ping(record.clone(), id, pace, to_pong, from_pong));
    runtime.spawn(pong(from_ping, to_ping));
}

async fn ping(
    record: Arc<Record>,
    id: usize,
    pace: Option<Duration>,
    to_pong: mpsc::Sender<u64>,
    mut from_pong: mpsc::Receiver<u64>,
) {
    let mut number = 0;
    while let Some(begun) = record.begin_wait(id) {
        let _ = to_pong.send(number).await;
        number += 1;
        // Not done then, and the line says that it was stuck.
        if from_pong.recv().await != Some(number) {
            return;
        }
        record.end_wait(id, begun, Duration::ZERO);
        if let Some(pace) = pace {
            sleep(pace).await;
        }
    }
    record.waiter_is_done();
}

async fn pong(mut from_ping: mpsc::Receiver<u64>, to_ping: mpsc::Sender<u64>) {
    while let Some(number) = from_ping.recv().await {
        if to_ping.send(number + 1).await.is_err() {
            break;
        }
    }
}
