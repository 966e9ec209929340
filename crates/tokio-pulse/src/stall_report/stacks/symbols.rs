//! From an address to functions, files and lines.

use std::borrow::Cow;
use std::collections::HashMap;

use addr2line::{Loader, demangle_auto};

use super::image::Image;
use crate::stall_report::{Frame, FrameOrigin};

/// Addresses whose frames are kept.
const KEPT: usize = 4096;

/// Files whose debug information is kept.
const LOADERS: usize = 8;

/// Names what was asked for before from memory.
#[derive(Default)]
pub(super) struct Symbols {
    frames: HashMap<u64, Vec<Frame>>,
    /// By the index of the image; `None` for a file that cannot be read.
    loaders: HashMap<usize, Option<Loader>>,
}

impl Symbols {
    /// The frames at an address: those that were inlined there, and the one that they are in.
    pub(super) fn frames(&mut self, address: u64, images: &[Image]) -> &[Frame] {
        if self.frames.len() >= KEPT && !self.frames.contains_key(&address) {
            self.frames.clear();
        }
        if !self.frames.contains_key(&address) {
            let frames = self.look_up(address, images);
            self.frames.insert(address, frames);
        }
        &self.frames[&address]
    }

    fn look_up(&mut self, address: u64, images: &[Image]) -> Vec<Frame> {
        let found = images.iter().position(|image| image.addresses.contains(&address));
        let Some(index) = found else { return vec![unnamed(None, address)] };
        let image = &images[index];
        let offset = image.in_file(address);
        let mut frames = self
            .loader(index, image)
            .map_or_else(|| in_memory(image, offset), |loader| in_file(loader, image, offset));
        if frames.is_empty() {
            frames.push(unnamed(None, offset));
        }
        // All but the last were inlined into the one after them.
        let outermost = frames.len() - 1;
        for (index, frame) in frames.iter_mut().enumerate() {
            frame.module = Some(image.name.to_string());
            frame.inlined = index < outermost;
            frame.origin = FrameOrigin::of(frame.function(), frame.file());
        }
        frames
    }

    fn loader(&mut self, index: usize, image: &Image) -> Option<&Loader> {
        let path = image.path.as_ref()?;
        if self.loaders.len() >= LOADERS && !self.loaders.contains_key(&index) {
            self.loaders.clear();
        }
        self.loaders.entry(index).or_insert_with(|| Loader::new(path).ok()).as_ref()
    }
}

fn in_file(loader: &Loader, image: &Image, offset: u64) -> Vec<Frame> {
    let mut frames = Vec::new();
    if let Ok(mut found) = loader.find_frames(offset) {
        while let Ok(Some(frame)) = found.next() {
            let mut named = unnamed(None, offset);
            let name = frame.function.as_ref().and_then(|function| function.raw_name().ok());
            named.function = name.map(demangled);
            if let Some(location) = frame.location {
                named.file = location.file.map(str::to_owned);
                named.line = location.line;
            }
            frames.push(named);
        }
    }
    // Debug information that has lines only knows no paths of functions, and a stripped file has no
    // debug information; the symbol table may have the name of the function that all are in.
    let is_full = |frame: &Frame| frame.function().is_some_and(|name| name.contains("::"));
    if !frames.last().is_some_and(is_full) {
        let symbol = loader
            .find_symbol_info(offset)
            .filter(|symbol| image.symbol_covers(symbol.address(), offset))
            .map(|symbol| demangled(symbol.name().into()));
        match (frames.last_mut(), symbol) {
            (Some(outermost), Some(symbol)) => outermost.function = Some(symbol),
            (None, Some(symbol)) => frames.push(unnamed(Some(symbol), offset)),
            (_, None) => {}
        }
    }
    frames
}

fn in_memory(image: &Image, offset: u64) -> Vec<Frame> {
    let function = image.functions.iter().find(|(addresses, _)| addresses.contains(&offset));
    function.map(|(_, name)| unnamed(Some(name.clone()), offset)).into_iter().collect()
}

fn demangled(name: Cow<'_, str>) -> String {
    demangle_auto(name, None).into_owned()
}

/// The frame of an address that nothing else is known of.
fn unnamed(function: Option<String>, offset: u64) -> Frame {
    Frame {
        function,
        file: None,
        line: None,
        module: None,
        offset,
        inlined: false,
        origin: FrameOrigin::Unknown,
    }
}
