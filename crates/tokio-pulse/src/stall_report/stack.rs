//! The stack of a stuck thread, for people.

use std::fmt;

use super::FrameOrigin;

/// The stack of a thread, the innermost frame first; or why there is none.
#[derive(Clone, Debug, Default)]
pub struct Stack {
    frames: Vec<Frame>,
    missing: Option<String>,
    truncated: bool,
}

impl Stack {
    #[cfg_attr(not(feature = "stacks"), allow(dead_code, reason = "no frames without it"))]
    pub(super) fn new(frames: Vec<Frame>, truncated: bool) -> Self {
        Self { frames, missing: None, truncated }
    }

    pub(super) fn missing_because(reason: impl fmt::Display) -> Self {
        Self { missing: Some(reason.to_string()), ..Self::default() }
    }

    /// The frames, the innermost first.
    pub fn frames(&self) -> &[Frame] {
        &self.frames
    }

    /// Why there are no frames.
    pub fn missing(&self) -> Option<&str> {
        self.missing.as_deref()
    }

    /// Whether the outer frames are missing: the stack is larger than what is copied, or a piece of
    /// code says too little of its frames.
    pub fn is_truncated(&self) -> bool {
        self.truncated
    }

    /// The frame to look at: the innermost of the program's own, or else of a dependency.
    pub fn culprit(&self) -> Option<&Frame> {
        self.culprit_index().map(|index| &self.frames[index])
    }

    fn culprit_index(&self) -> Option<usize> {
        let first = |origin| self.frames.iter().position(|frame| frame.origin == origin);
        first(FrameOrigin::User).or_else(|| first(FrameOrigin::Dependency))
    }

    /// The task's future: the program's own frame that Tokio polls, or else that of a dependency. Its
    /// function is named after the place where the future was written. `None` outside of tasks.
    pub fn task_future(&self) -> Option<&Frame> {
        let harness = self.frames.iter().position(Frame::is_harness)?;
        let inside = &self.frames[..harness];
        let outermost = |origin| inside.iter().rfind(|frame| frame.origin == origin);
        outermost(FrameOrigin::User).or_else(|| outermost(FrameOrigin::Dependency))
    }

    /// The same for two looks at one stall, and for stalls of the same kind: it is made of the
    /// functions from the [culprit](Self::culprit) outward that are the program's own or of a
    /// dependency, and not of lines or addresses. 0 when there are no frames.
    pub fn fingerprint(&self) -> u64 {
        if self.frames.is_empty() {
            return 0;
        }
        let mut hash = Fingerprint::new();
        let Some(culprit) = self.culprit_index() else {
            self.frames.iter().for_each(|frame| frame.add_to(&mut hash));
            return hash.0;
        };
        self.frames[culprit..]
            .iter()
            .filter(|frame| matches!(frame.origin, FrameOrigin::User | FrameOrigin::Dependency))
            .for_each(|frame| frame.add_to(&mut hash));
        hash.0
    }
}

impl fmt::Display for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(reason) = &self.missing {
            return writeln!(f, "  no stack: {reason}");
        }
        for (index, frame) in self.frames.iter().enumerate() {
            let mark = if frame.origin == FrameOrigin::User { '>' } else { ' ' };
            writeln!(f, "  {mark}{index:3}: {frame}")?;
            if let Some(location) = frame.location() {
                writeln!(f, "          at {location}")?;
            }
        }
        if self.truncated { writeln!(f, "        ...") } else { Ok(()) }
    }
}

/// One frame of a [`Stack`].
#[derive(Clone, Debug)]
pub struct Frame {
    pub(super) function: Option<String>,
    pub(super) file: Option<String>,
    pub(super) line: Option<u32>,
    pub(super) module: Option<String>,
    pub(super) offset: u64,
    pub(super) inlined: bool,
    pub(super) origin: FrameOrigin,
}

impl Frame {
    /// The function, demangled. `None` in a program without symbols.
    pub fn function(&self) -> Option<&str> {
        self.function.as_deref()
    }

    /// The source file, as the compiler was given it. `None` without debug information.
    pub fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    /// The line in that file.
    pub fn line(&self) -> Option<u32> {
        self.line
    }

    /// File and line, to be printed.
    pub fn location(&self) -> Option<impl fmt::Display + '_> {
        self.file.as_deref().map(|file| Location { file, line: self.line })
    }

    /// The program or library whose code it is.
    pub fn module(&self) -> Option<&str> {
        self.module.as_deref()
    }

    /// Where in that module, as `addr2line` and debuggers take it; without a module, the address.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Whether it has no frame of its own: it was inlined into the next one.
    pub fn is_inlined(&self) -> bool {
        self.inlined
    }

    /// Whose code it is.
    pub fn origin(&self) -> FrameOrigin {
        self.origin
    }

    /// Tokio's code that polls a task; its path may be missing in the name of what was inlined.
    fn is_harness(&self) -> bool {
        let function = self.function().unwrap_or_default();
        let file = self.file().unwrap_or_default();
        self.origin == FrameOrigin::Tokio
            && (function.contains("tokio::runtime::task::") || file.contains("/runtime/task/"))
    }

    fn add_to(&self, hash: &mut Fingerprint) {
        match &self.function {
            Some(function) => hash.add(function.as_bytes()),
            None => {
                hash.add(self.module().unwrap_or_default().as_bytes());
                hash.add(&self.offset.to_le_bytes());
            }
        }
    }
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.function, &self.module) {
            (Some(function), _) => f.write_str(function),
            (None, Some(module)) => write!(f, "{module}+{:#x}", self.offset),
            (None, None) => write!(f, "{:#x}", self.offset),
        }
    }
}

struct Location<'a> {
    file: &'a str,
    line: Option<u32>,
}

impl fmt::Display for Location<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.file)?;
        self.line.map_or(Ok(()), |line| write!(f, ":{line}"))
    }
}

/// FNV-1a: the same in every build, so that fingerprints can be compared between runs.
pub(super) struct Fingerprint(pub(super) u64);

impl Fingerprint {
    pub(super) fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    pub(super) fn add(&mut self, bytes: &[u8]) {
        // The end is part of it, so that "ab", "c" is not "a", "bc".
        for &byte in bytes.iter().chain(&[0xff]) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

#[cfg(all(test, not(pulse_loom)))]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn frame(function: &str, line: u32) -> Frame {
        Frame {
            function: Some(function.to_owned()),
            file: Some("src/a.rs".to_owned()),
            line: Some(line),
            module: Some("/app".to_owned()),
            offset: 0x1234,
            inlined: false,
            origin: FrameOrigin::of(Some(function), None),
        }
    }

    #[test]
    fn the_future_of_the_task_is_the_outermost_own_frame_inside_of_tokios_harness() {
        let frames = [
            frame("core::hint::black_box", 1),
            frame("app::burn", 2),
            frame("tokio::time::timeout::poll", 3),
            frame("app::serve::{{closure}}", 4),
            frame("tokio::runtime::task::core::Core<T,S>::poll", 5),
            frame("tokio::runtime::context::enter_runtime", 6),
            frame("app::main", 7),
        ];
        let stack = Stack::new(frames.to_vec(), false);
        assert_eq!(stack.task_future().unwrap().line(), Some(4));
        let outside = [frame("app::burn", 1), frame("app::main", 2)];
        assert!(Stack::new(outside.to_vec(), false).task_future().is_none());
    }

    #[test]
    fn one_loop_seen_twice_is_one_stall() {
        let stack = |inner: &str, line, outer: &str| {
            let frames = [frame(inner, 1), frame("app::burn", line), frame(outer, 7)];
            Stack::new(frames.into(), false)
        };
        let first = stack("core::hint::black_box", 10, "tokio::a");
        assert_eq!(first.culprit().unwrap().to_string(), "app::burn");
        assert_eq!(first.fingerprint(), stack("std::time::now", 12, "tokio::b").fingerprint());
        assert_ne!(first.fingerprint(), stack("app::inner", 10, "tokio::a").fingerprint());
        assert_ne!(first.fingerprint(), stack("core::x", 10, "app::outer").fingerprint());
        assert_eq!(Stack::missing_because("x").fingerprint(), 0);
    }
}
