//! A CPU quota for some of this process's threads, by a control group.
//!
//! Files are all there is to it: a directory is a group, a number written to one of its files the
//! quota, a thread's number written to another the entry. Which tree of groups, and which names the
//! files have, is found out by [`mounts`]; [`leftovers`] is about groups that outlive their process.

mod exit;
mod leftovers;
mod mounts;
mod processes;
mod refusal;
#[cfg(test)]
mod tests;
mod v1;
mod v2;

use std::fs;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::{CpuGroupError, CpuLimit, IsolationKind, IsolationStats};
use leftovers::Claim;
use mounts::Tree;
pub use processes::ProcessGroup;
use refusal::Step;

/// Of the control groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    CgroupV1,
    CgroupV2,
}

/// Threads with a common CPU quota.
///
/// Removed when it is dropped, when the process exits, and after a crash by the next process that
/// makes one at the same place.
#[derive(Debug)]
pub struct CpuGroup(Arc<Group>);

#[derive(Debug)]
struct Group {
    tree: Tree,
    /// The group that the process is in.
    base: PathBuf,
    path: PathBuf,
    /// Whether the controller is to be switched off after the last group.
    switched_on: bool,
    /// A forked child has a copy of all this, and must not touch it.
    owner: u32,
    /// Gone once the group is closed. Locked while a thread enters, so that none does so afterwards.
    claim: Mutex<Option<Claim>>,
}

/// The calling thread's stay in a group. Dropping it brings the thread back to where it was.
#[derive(Debug)]
#[must_use = "the thread leaves the group when this is dropped"]
pub struct Membership {
    group: Arc<Group>,
    tid: libc::pid_t,
    /// `None` for a thread that was inside already, and when it has left.
    before: Option<PathBuf>,
    /// Belongs to its thread: the number of one that has ended may be another's.
    _not_send: PhantomData<*const ()>,
}

impl CpuGroup {
    /// Makes a group below the one that this process is in, and removes what dead processes have
    /// left there.
    ///
    /// # Errors
    ///
    /// When the system has no such groups, or does not let this process make any; says what to do.
    pub fn create(limit: CpuLimit) -> Result<Self, CpuGroupError> {
        Self::create_on(Path::new("/"), limit)
    }

    /// As [`create`](Self::create), and tries to enter on a thread that ends with this call.
    ///
    /// # Errors
    ///
    /// As for [`create`](Self::create) and [`enter`](Self::enter).
    pub fn probe(limit: CpuLimit) -> Result<Self, CpuGroupError> {
        let group = Self::create(limit)?;
        std::thread::scope(|scope| {
            let trial = || group.enter().and_then(Membership::leave);
            std::thread::Builder::new()
                .name("pulse-trial".to_owned())
                .spawn_scoped(scope, trial)
                .map_err(|error| refusal::of(Step::MoveThread, group.place(), &error))?
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })?;
        Ok(group)
    }

    /// On the system whose `/` is `system`.
    fn create_on(system: &Path, limit: CpuLimit) -> Result<Self, CpuGroupError> {
        let (tree, base) = Tree::find(system)?;
        let threads = threads(tree.kind);
        // Should another process hold on to it, the worst is that the controller stays on.
        let _alone = leftovers::lock_base(&base);
        let inherited = leftovers::any_switched_on(&base);
        leftovers::sweep(&base, threads);
        let switched_on = match tree.kind {
            Version::CgroupV1 => false,
            Version::CgroupV2 => v2::enable(&base, inherited)?,
        };
        let undo = |error| {
            if switched_on {
                v2::disable(&base);
            }
            error
        };
        let claim = Claim::create(&base, switched_on)
            .map_err(|error| refusal::of(Step::Make, &base, &error))
            .and_then(|claim| claim.ok_or_else(|| refusal::too_many(&base)))
            .map_err(undo)?;
        let configured = match tree.kind {
            Version::CgroupV1 => v1::configure(claim.path(), limit),
            Version::CgroupV2 => v2::configure(claim.path(), limit),
        };
        if let Err(error) = configured {
            let _ = claim.dissolve(&base, threads);
            return Err(undo(error));
        }
        let group = Arc::new(Group {
            tree,
            path: claim.path().to_owned(),
            base,
            switched_on,
            owner: std::process::id(),
            claim: Mutex::new(Some(claim)),
        });
        exit::remember(Arc::downgrade(&group));
        Ok(Self(group))
    }

    /// The mechanism behind it.
    pub fn kind(&self) -> IsolationKind {
        match self.0.tree.kind {
            Version::CgroupV1 => IsolationKind::CgroupV1,
            Version::CgroupV2 => IsolationKind::CgroupV2,
        }
    }

    /// The group's directory.
    pub fn place(&self) -> &Path {
        &self.0.path
    }

    /// Puts the calling thread into the group, until the guard is dropped.
    ///
    /// For a thread that is inside already nothing happens, now and when that guard is dropped.
    ///
    /// # Errors
    ///
    /// When the group is closed, or the system refuses this thread.
    pub fn enter(&self) -> Result<Membership, CpuGroupError> {
        let group = &self.0;
        // The lock may never be given back in a forked child, and nobody would bring it back.
        if std::process::id() != group.owner {
            return Err(refusal::closed());
        }
        let claim = group.claim.lock().unwrap_or_else(PoisonError::into_inner);
        if claim.is_none() {
            return Err(refusal::closed());
        }
        // SAFETY: no preconditions.
        let tid = unsafe { libc::gettid() };
        let place = group.tree.of_current_thread().unwrap_or_else(|| group.base.clone());
        let before = (place != group.path).then_some(place);
        if before.is_some() {
            group.move_thread(tid, &group.path)?;
        }
        Ok(Membership { group: group.clone(), tid, before, _not_send: PhantomData })
    }

    /// What the kernel has counted.
    ///
    /// # Errors
    ///
    /// When the group is closed.
    pub fn stats(&self) -> Result<IsolationStats, CpuGroupError> {
        let file = self.0.path.join("cpu.stat");
        let text = fs::read_to_string(&file)
            .map_err(|error| refusal::of(Step::ReadStats, &file, &error))?;
        Ok(parse_stats(&text, self.0.tree.kind))
    }

    /// Lets all threads go and removes the group. What [`Drop`] does, with an answer; the second
    /// time nothing.
    ///
    /// # Errors
    ///
    /// When something in the group can be neither moved nor waited for. The directory stays then,
    /// for the next start to remove.
    pub fn close(&self) -> Result<(), CpuGroupError> {
        self.0.close()
    }
}

impl Drop for CpuGroup {
    fn drop(&mut self) {
        let _ = self.close();
    }
}

impl Group {
    fn close(&self) -> Result<(), CpuGroupError> {
        if std::process::id() != self.owner {
            return Ok(());
        }
        let mut slot = self.claim.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(claim) = slot.take() else { return Ok(()) };
        let alone = self.switched_on.then(|| leftovers::lock_base(&self.base)).flatten();
        let result = claim.dissolve(&self.base, threads(self.tree.kind));
        if alone.is_some() {
            v2::disable(&self.base);
        }
        result.map_err(|error| refusal::of(Step::Remove, &self.path, &error))
    }

    fn move_thread(&self, tid: libc::pid_t, to: &Path) -> Result<(), CpuGroupError> {
        let file = to.join(threads(self.tree.kind));
        leftovers::write(&file, &tid.to_string())
            .map_err(|error| refusal::of(Step::MoveThread, &file, &error))
    }
}

impl Membership {
    /// What [`Drop`] does, with an answer.
    ///
    /// # Errors
    ///
    /// When the system refuses to move the thread back; it is set free when the group closes.
    pub fn leave(mut self) -> Result<(), CpuGroupError> {
        self.end()
    }

    fn end(&mut self) -> Result<(), CpuGroupError> {
        let Some(before) = self.before.take() else { return Ok(()) };
        // Where it was may be gone.
        self.group
            .move_thread(self.tid, &before)
            .or_else(|_| self.group.move_thread(self.tid, &self.group.base))
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        let _ = self.end();
    }
}

fn threads(kind: Version) -> &'static str {
    match kind {
        Version::CgroupV1 => v1::THREADS,
        Version::CgroupV2 => v2::THREADS,
    }
}

/// The lines are a name and a number.
fn parse_stats(text: &str, kind: Version) -> IsolationStats {
    let number = |name: &str| {
        let mut lines = text.lines().filter_map(|line| line.split_once(' '));
        let found = lines.find(|(found, _)| *found == name)?;
        found.1.trim().parse::<u64>().ok()
    };
    let (throttled, unit) = match kind {
        Version::CgroupV1 => v1::THROTTLED,
        Version::CgroupV2 => v2::THROTTLED,
    };
    IsolationStats {
        periods: number("nr_periods").unwrap_or(0),
        throttled_periods: number("nr_throttled").unwrap_or(0),
        throttled: Duration::from_nanos(number(throttled).unwrap_or(0).saturating_mul(unit)),
    }
}
