//! A bar on standard error, if that is a terminal, for a stretch of known length.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};

/// Seldom enough to cost nothing beside the load.
const TICK: Duration = Duration::from_millis(250);

/// Shows a bar while it lives.
pub(super) struct Progress {
    over: Arc<AtomicBool>,
    ticker: Option<JoinHandle<()>>,
}

impl Progress {
    pub(super) fn start(what: String, length: Duration) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let bar = ProgressBar::new(u64::try_from(length.as_millis()).unwrap_or(u64::MAX));
        if bar.is_hidden() {
            return Self { over, ticker: None };
        }
        if let Ok(style) = ProgressStyle::with_template("{msg:<24} {wide_bar} {percent:>3} %") {
            bar.set_style(style);
        }
        bar.set_message(what);
        let stop = Arc::clone(&over);
        let begun = Instant::now();
        let tick = move || {
            while !stop.load(Ordering::Relaxed) {
                bar.set_position(u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX));
                thread::park_timeout(TICK);
            }
            bar.finish_and_clear();
        };
        // Without a thread there is no bar, and nothing else is lost.
        let ticker = thread::Builder::new().name("pulse-progress".into()).spawn(tick).ok();
        Self { over, ticker }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(ticker) = self.ticker.take() {
            ticker.thread().unpark();
            let _ = ticker.join();
        }
    }
}
