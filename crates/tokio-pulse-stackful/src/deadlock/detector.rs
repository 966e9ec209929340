//! For the ticker: which waits are old, and whether together they make a deadlock.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::picture::Picture;
use super::report::DeadlockReport;
use super::{PATIENCE_NS, hook};
use crate::ticker::Slot;

/// A thread whose poll has waited for long.
struct Stuck {
    slot: Arc<Slot>,
    beat: u64,
    picture: Option<Picture>,
    reported: bool,
}

#[derive(Default)]
pub(crate) struct Detector {
    stuck: Vec<Stuck>,
}

impl Detector {
    /// Looks at a thread. Whether it is to be signalled for a picture of its stacks.
    pub(crate) fn look(&mut self, slot: &Arc<Slot>, beat: u64, now: u64) -> bool {
        let waits = beat % 2 == 1
            && slot.wait().age_ns(beat, now).is_some_and(|age_ns| age_ns >= PATIENCE_NS);
        let known = self.stuck.iter().position(|stuck| Arc::ptr_eq(&stuck.slot, slot));
        if !waits {
            // Whatever is still drawn of it is old by then.
            if let Some(index) = known {
                self.stuck.swap_remove(index);
                let _ = slot.snapshot().take();
            }
            return false;
        }
        let index = known.unwrap_or_else(|| {
            self.stuck.push(Stuck { slot: slot.clone(), beat, picture: None, reported: false });
            self.stuck.len() - 1
        });
        let stuck = &mut self.stuck[index];
        if stuck.beat != beat {
            (stuck.beat, stuck.picture, stuck.reported) = (beat, None, false);
        }
        if stuck.picture.is_some() {
            return false;
        }
        stuck.picture = slot.snapshot().take();
        if stuck.picture.is_some() {
            return false;
        }
        slot.snapshot().want();
        true
    }

    /// After a look at all: reports what is new.
    pub(crate) fn report(&mut self, now: u64) {
        if self.stuck.iter().all(|stuck| stuck.reported || stuck.picture.is_none()) {
            return;
        }
        // A thread that has gone is dropped here, and no longer looked at.
        let pictures: Vec<Picture> =
            self.stuck.iter().filter_map(|stuck| stuck.picture.clone()).collect();
        if pictures.iter().map(Picture::count).sum::<usize>() < 2 {
            return;
        }
        let ages = self.stuck.iter().filter_map(|stuck| {
            stuck.picture.as_ref().and(stuck.slot.wait().age_ns(stuck.beat, now))
        });
        let waited = Duration::from_nanos(ages.min().unwrap_or(PATIENCE_NS));
        for stuck in self.stuck.iter_mut().filter(|stuck| stuck.picture.is_some()) {
            stuck.reported = true;
        }
        // Reading names takes long beside a quantum.
        let report = move || hook::call(&DeadlockReport::of(&pictures, waited));
        let _ = thread::Builder::new().name("pulse-deadlock".to_owned()).spawn(report);
    }

    /// Forgets a thread that has left.
    pub(crate) fn forget(&mut self, is_there: impl Fn(&Arc<Slot>) -> bool) {
        self.stuck.retain(|stuck| is_there(&stuck.slot));
    }
}
