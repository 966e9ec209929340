//! From a copy of a stack to the addresses of its calls.

use std::sync::Arc;

use framehop::{CacheNative, Module, UnwindRegsNative, Unwinder, UnwinderNative};
use tokio_pulse_sys::{Registers, StackSnapshot};

use super::image::Image;

/// More frames than people read, and than a copy of a sane stack has.
const MAX_FRAMES: usize = 256;

type Policy = framehop::MayAllocateDuringUnwind;

#[derive(Default)]
pub(super) struct Unwind {
    unwinder: UnwinderNative<Arc<[u8]>, Policy>,
    cache: CacheNative<Policy>,
}

impl Unwind {
    pub(super) fn new(images: &[Image]) -> Self {
        let mut unwinder = UnwinderNative::new();
        images.iter().map(module).for_each(|module| unwinder.add_module(module));
        Self { unwinder, cache: CacheNative::new() }
    }

    /// The addresses inside each frame's code, the innermost first, and whether these are all.
    pub(super) fn walk(&mut self, snapshot: &StackSnapshot) -> (Vec<u64>, bool) {
        let registers = snapshot.registers();
        let start = native(&registers, self.unwinder.max_known_code_address());
        let mut read = |address| snapshot.word(address).ok_or(());
        let mut frames =
            self.unwinder.iter_frames(registers.instruction, start, &mut self.cache, &mut read);
        let mut addresses = Vec::new();
        while addresses.len() < MAX_FRAMES {
            match frames.next() {
                Ok(Some(frame)) => addresses.push(frame.address_for_lookup()),
                Ok(None) => return (addresses, true),
                Err(_) => return (addresses, false),
            }
        }
        (addresses, false)
    }
}

fn module(image: &Image) -> Module<Arc<[u8]>> {
    let base = image.bias.wrapping_add(image.sections.base);
    Module::new(image.name.to_string(), image.addresses.clone(), base, image.sections.clone())
}

#[cfg(target_arch = "x86_64")]
fn native(registers: &Registers, _: u64) -> UnwindRegsNative {
    UnwindRegsNative::new(registers.instruction, registers.stack, registers.frame)
}

/// Return addresses may carry a signature above the address proper.
#[cfg(target_arch = "aarch64")]
fn native(registers: &Registers, max_known: u64) -> UnwindRegsNative {
    let mask = framehop::aarch64::PtrAuthMask::from_max_known_address(max_known);
    let Registers { link, stack, frame, .. } = *registers;
    UnwindRegsNative::new_with_ptr_auth_mask(mask, link, stack, frame)
}
