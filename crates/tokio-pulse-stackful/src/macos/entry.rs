//! Whether a function that was interrupted has its frame, told by its instructions.

/// Intel: `push rbp`, `mov rbp, rsp`.
const FRAME: [u8; 4] = [0x55, 0x48, 0x89, 0xe5];

/// Intel: whether `rbp` is the frame of a function at an instruction of it.
///
/// It is where the function makes the frame before all else, behind that, and before it has taken it down.
/// It does so by `pop`, or `leave`; all that the compiler puts behind these is `vzeroupper` and a return or
/// a jump, to another function or to a return that two ends of this one share. So the frame is there at
/// every instruction that is none of these.
pub(super) fn has_frame(code: &[u8], offset: usize) -> bool {
    code.starts_with(&FRAME) && offset >= FRAME.len() && !may_be_end(code, offset)
}

fn may_be_end(code: &[u8], offset: usize) -> bool {
    if is_end(code, offset) {
        return true;
    }
    let target = match code.get(offset..) {
        Some(&[0xeb, distance, ..]) => target(offset + 2, i64::from(distance as i8)),
        Some(&[0xe9, a, b, c, d, ..]) => {
            target(offset + 5, i64::from(i32::from_le_bytes([a, b, c, d])))
        }
        _ => return false,
    };
    match target {
        // An endless loop without a body.
        Some(target) if target == offset => false,
        Some(target) if target < code.len() => {
            is_end(code, target) || matches!(code[target], 0xeb | 0xe9)
        }
        _ => true,
    }
}

fn target(from: usize, distance: i64) -> Option<usize> {
    usize::try_from(i64::try_from(from).ok()?.checked_add(distance)?).ok()
}

/// `ret`, `pop`, `leave`, `vzeroupper`, a jump through a register or memory.
fn is_end(code: &[u8], offset: usize) -> bool {
    let jumps = |operand: u8| operand >> 3 & 7 == 4;
    match code.get(offset..) {
        Some(&[0xc2 | 0xc3 | 0xc9 | 0x58..=0x5f, ..] | &[0xc5, 0xf8, 0x77, ..]) => true,
        Some(&[0xf2 | 0xf3, 0xc3, ..] | &[0x41, 0x58..=0x5f, ..]) => true,
        Some(&[0xff, operand, ..] | &[0x40..=0x4f | 0x3e, 0xff, operand, ..]) => jumps(operand),
        Some(&[]) | None => true,
        _ => false,
    }
}

/// Apple silicon: whether an instruction puts the return address back into its register: `mov x30, xN`,
/// `ldr x30, [sp], #N`, `ldr x30, [sp, #N]`. Before it the register has that of a call in between.
pub(super) fn restores_link(instruction: u32) -> bool {
    instruction & 0xffe0_ffff == 0xaa00_03fe
        || instruction & 0xffe0_0fff == 0xf840_07fe
        || instruction & 0xffc0_03ff == 0xf940_03fe
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_there_between_its_making_and_its_end() {
        // push rbp; mov rbp, rsp; push rbx; inc rax; jmp to `inc`; pop rbx; pop rbp; ret
        let code = [0x55, 0x48, 0x89, 0xe5, 0x53, 0x48, 0xff, 0xc0, 0xeb, 0xfb, 0x5b, 0x5d, 0xc3];
        let framed: Vec<usize> = (0..=code.len()).filter(|&at| has_frame(&code, at)).collect();
        // 6 and 7 are inside of an instruction.
        assert_eq!(framed, [4, 5, 6, 7, 8, 9]);
        assert!(!has_frame(&code[1..], 5));
    }

    #[test]
    fn jumps_are_followed() {
        let with = |end: &[u8]| [&FRAME[..], end].concat();
        // To itself; to a return; out of the function; over a long distance, inside.
        assert!(has_frame(&with(&[0xeb, 0xfe]), 4));
        assert!(!has_frame(&with(&[0xeb, 0x00, 0xc3]), 4));
        assert!(!has_frame(&with(&[0xe9, 0x00, 0x10, 0, 0]), 4));
        assert!(!has_frame(&with(&[0xeb, 0x80, 0xc3]), 4));
        assert!(has_frame(&with(&[0xe9, 0x01, 0, 0, 0, 0xc3, 0x90]), 4));
        // Through a register, and through memory; a call is none.
        assert!(!has_frame(&with(&[0xff, 0xe0]), 4));
        assert!(!has_frame(&with(&[0x41, 0xff, 0xe3]), 4));
        assert!(has_frame(&with(&[0xff, 0xd0]), 4));
        assert!(!has_frame(&with(&[0xc5, 0xf8, 0x77, 0xc3]), 4));
    }

    #[test]
    fn instructions_that_restore_the_link() {
        for (instruction, restores) in [
            (0xaa08_03fe, true),  // mov x30, x8
            (0xf841_07fe, true),  // ldr x30, [sp], #16
            (0xf940_07fe, true),  // ldr x30, [sp, #8]
            (0xaa1e_03e8, false), // mov x8, x30
            (0xa940_7bfd, false), // ldp x29, x30, [sp]
            (0xd65f_03c0, false), // ret
        ] {
            assert_eq!(restores_link(instruction), restores, "{instruction:#x}");
        }
    }
}
