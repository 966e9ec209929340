//! What a handler writes of a thread's polls: fixed room, no pointers.

/// Calls of one stack, the innermost first.
const FRAMES: usize = 48;

/// Polls of one thread: the one that waits, and some of those set aside.
const POLLS: usize = 8;

/// Bytes of a task's name.
const NAME: usize = 48;

/// One poll.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PollPicture {
    name: [u8; NAME],
    name_len: usize,
    waits_for: u64,
    frames: [u64; FRAMES],
    len: usize,
}

/// The polls of one thread.
#[derive(Clone, Debug)]
pub(crate) struct Picture {
    polls: [PollPicture; POLLS],
    /// All of them, even those without room.
    count: usize,
}

impl PollPicture {
    const EMPTY: Self =
        Self { name: [0; NAME], name_len: 0, waits_for: 0, frames: [0; FRAMES], len: 0 };

    pub(crate) fn set_name(&mut self, name: &[u8]) {
        self.name_len = name.len().min(NAME);
        self.name[..self.name_len].copy_from_slice(&name[..self.name_len]);
    }

    pub(crate) fn set_waits_for(&mut self, address: u64) {
        self.waits_for = address;
    }

    pub(crate) fn frames_mut(&mut self) -> &mut [u64] {
        &mut self.frames
    }

    pub(crate) fn set_len(&mut self, len: usize) {
        self.len = len.min(FRAMES);
    }

    pub(super) fn name(&self) -> String {
        String::from_utf8_lossy(&self.name[..self.name_len]).into_owned()
    }

    /// `None` for one that is set aside.
    pub(super) fn waits_for(&self) -> Option<u64> {
        (self.waits_for != 0).then_some(self.waits_for)
    }

    pub(super) fn frames(&self) -> &[u64] {
        &self.frames[..self.len]
    }
}

impl Picture {
    pub(super) const EMPTY: Self = Self { polls: [PollPicture::EMPTY; POLLS], count: 0 };

    pub(super) fn clear(&mut self) {
        self.count = 0;
    }

    /// Has one more drawn, if there is room.
    pub(super) fn add(&mut self, draw: impl FnOnce(&mut PollPicture)) {
        if let Some(poll) = self.polls.get_mut(self.count) {
            *poll = PollPicture::EMPTY;
            draw(poll);
        }
        self.count += 1;
    }

    pub(super) fn polls(&self) -> &[PollPicture] {
        &self.polls[..self.count.min(POLLS)]
    }

    pub(crate) fn count(&self) -> usize {
        self.count
    }
}
