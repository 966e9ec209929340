#!/usr/bin/env python3
"""Runs a Mach-O program's function `run` in an emulator. At each instruction the stackful crate's walk is
asked for the callers as if the thread had been interrupted there, and what it finds is compared with the
calls that were really made: emulate.py (x86_64|aarch64) WALK.so PROGRAM."""

import bisect
import collections
import ctypes
import os
import struct
import sys

import unicorn
from unicorn import arm64_const as arm
from unicorn import x86_const as x86

PAGE = 0x1000
STACK, STACK_SIZE = 0x7000_0000_000, 1 << 20
STACK_END = STACK + STACK_SIZE
EXIT = 0x6000_0000
PLACES = 4096


class Program:
    """What of a Mach-O file is needed here (`mach-o/loader.h`, `mach-o/nlist.h`)."""

    def __init__(self, path):
        self.data = data = open(path, "rb").read()
        self.segments, self.sections = [], []
        commands, at = struct.unpack_from("<I", data, 16)[0], 32
        for _ in range(commands):
            kind, size = struct.unpack_from("<2I", data, at)
            if kind == 0x19:
                self.segment(at)
            elif kind == 0x2:
                symbols, count, strings, _ = struct.unpack_from("<4I", data, at + 8)
            elif kind == 0xB:
                self.indirect = struct.unpack_from("<I", data, at + 56)[0]
            at += size
        self.symbols = []
        for index in range(count):
            name, kind, _, _, value = struct.unpack_from("<IBBHQ", data, symbols + 16 * index)
            end = data.index(b"\0", strings + name)
            self.symbols.append((data[strings + name : end].decode(), kind, value))
        defined = [(value, name) for name, kind, value in self.symbols if kind & 0xEE == 0x0E]
        self.named = sorted(defined)
        self.starts = [value for value, _ in self.named]

    def segment(self, at):
        name = self.data[at + 8 : at + 24].rstrip(b"\0").decode()
        address, size, offset, length = struct.unpack_from("<4Q", self.data, at + 24)
        self.segments.append((name, address, size, self.data[offset : offset + length]))
        for index in range(struct.unpack_from("<I", self.data, at + 64)[0]):
            place = at + 72 + 80 * index
            name = self.data[place : place + 16].rstrip(b"\0").decode()
            address, size = struct.unpack_from("<2Q", self.data, place + 32)
            flags, first, width = struct.unpack_from("<3I", self.data, place + 64)
            self.sections.append((name, address, size, flags & 0xFF, first, width))

    def foreign(self, kinds):
        """Where the program gets to functions of others, in sections of these kinds: places and names."""
        for _, address, size, kind, first, width in self.sections:
            if kind in kinds:
                width = width or 8
                for index in range(size // width):
                    place = self.indirect + 4 * (first + index)
                    symbol = struct.unpack_from("<I", self.data, place)[0]
                    if symbol < len(self.symbols):
                        yield address + index * width, self.symbols[symbol][0]

    def name(self, address):
        index = bisect.bisect_right(self.starts, address) - 1
        return f"{self.named[index][1]}+{address - self.starts[index]:#x}"

    def function(self, name):
        start = next(value for found, _, value in self.symbols if found == name)
        return start, next(value for value in self.starts if value > start)


class Emulator:
    def __init__(self, processor, walk, program):
        self.program = program
        self.apple = processor == "aarch64"
        if self.apple:
            self.machine = unicorn.Uc(unicorn.UC_ARCH_ARM64, unicorn.UC_MODE_ARM)
            self.machine.ctl_set_cpu_model(arm.UC_CPU_ARM64_MAX)
            self.pc, self.sp, self.fp = arm.UC_ARM64_REG_PC, arm.UC_ARM64_REG_SP, arm.UC_ARM64_REG_X29
            self.arguments = [arm.UC_ARM64_REG_X0, arm.UC_ARM64_REG_X1, arm.UC_ARM64_REG_X2]
            self.result = arm.UC_ARM64_REG_X0
        else:
            self.machine = unicorn.Uc(unicorn.UC_ARCH_X86, unicorn.UC_MODE_64)
            self.pc, self.sp, self.fp = x86.UC_X86_REG_RIP, x86.UC_X86_REG_RSP, x86.UC_X86_REG_RBP
            self.arguments = [x86.UC_X86_REG_RDI, x86.UC_X86_REG_RSI, x86.UC_X86_REG_RDX]
            self.result = x86.UC_X86_REG_RAX
        self.walk = walk
        self.places = (ctypes.c_uint64 * PLACES)()
        self.root = (ctypes.c_uint64 * 2)(*program.function("_run"))
        text = next(section for section in program.sections if section[0] == "__text")
        self.text = range(text[1], text[1] + text[2])
        # Return addresses of the calls that are being made, and what the last instruction did to them.
        self.calls, self.last = [EXIT], None
        self.outcomes, self.missed = collections.Counter(), collections.Counter()
        self.load()

    def map(self, address, size):
        """The same memory for the machine and for this process, at the same address."""
        size = -(-size // PAGE) * PAGE
        found = MMAP(address, size, 3, 0x100022, -1, 0)
        assert found == address, f"no room at {address:#x}"
        self.machine.mem_map_ptr(address, size, unicorn.UC_PROT_ALL, address)

    def load(self):
        for name, address, size, content in self.program.segments:
            if name != "__PAGEZERO" and size > 0:
                self.map(address, size)
                ctypes.memmove(address, content, min(len(content), size))
        self.map(STACK, STACK_SIZE)
        self.map(EXIT, 4 * PAGE)
        self.foreign = dict(self.program.foreign([8]))
        for index, (place, name) in enumerate(self.program.foreign([6, 7])):
            stand_in = EXIT + PAGE + 8 * index
            self.foreign[stand_in] = name
            ctypes.memmove(place, struct.pack("<Q", stand_in), 8)

    def run(self):
        top = STACK_END - PAGE
        if self.apple:
            self.machine.reg_write(arm.UC_ARM64_REG_X30, EXIT)
        else:
            top -= 8
            ctypes.memmove(top, struct.pack("<Q", EXIT), 8)
        self.machine.reg_write(self.sp, top)
        self.machine.reg_write(self.fp, 0)
        self.machine.reg_write(self.arguments[0], 3)
        self.machine.hook_add(unicorn.UC_HOOK_CODE, self.at_instruction)
        try:
            self.machine.emu_start(self.root[0], EXIT)
        except unicorn.UcError as error:
            at = self.machine.reg_read(self.pc)
            raise SystemExit(f"the program stopped in {self.program.name(at)}: {error}")
        return self.machine.reg_read(self.result)

    def at_instruction(self, machine, pc, size, _):
        kind, self.last = self.last, None
        if kind == "return":
            while self.calls.pop() != pc:
                pass
        elif kind is not None:
            self.calls.append(kind)
        if pc in self.foreign:
            self.stand_in(self.foreign[pc])
        elif pc in self.text:
            if not self.root[0] <= pc < self.root[1]:
                self.compare(pc)
            self.last = self.effect(pc, size)

    def effect(self, pc, size):
        if self.apple:
            word = struct.unpack("<I", ctypes.string_at(pc, 4))[0]
            call = word >> 26 == 0x25 or word & 0xFFFFFC1F == 0xD63F0000
            back = word & 0xFFFFFC1F == 0xD65F0000
        else:
            code = ctypes.string_at(pc, 3)
            rest = code[1:] if 0x40 <= code[0] <= 0x4F else code
            call = code[0] == 0xE8 or rest[0] == 0xFF and rest[1] >> 3 & 7 == 2
            back = code[0] in (0xC2, 0xC3)
        return pc + size if call else "return" if back else None

    def compare(self, pc):
        link = self.machine.reg_read(arm.UC_ARM64_REG_X30) if self.apple else 0
        stack, frame = self.machine.reg_read(self.sp), self.machine.reg_read(self.fp)
        registers = (ctypes.c_uint64 * 4)(pc, stack, frame, link)
        count = self.walk(registers, STACK_END, self.root, self.places, PLACES)
        if count < 0:
            self.outcomes[{-1: "code that is denied", -2: "refused", -3: "deep"}[count]] += 1
            return
        self.outcomes["whole"] += 1
        found = set(self.places[:count])
        for depth, back in enumerate(reversed(self.calls)):
            if back == EXIT or back - 1 in found:
                continue
            # In the link register: the walk has asked whether that may be left.
            if self.apple and depth == 0 and back == link:
                continue
            self.missed[(self.program.name(pc), self.program.name(back))] += 1

    def stand_in(self, name):
        into, source, count = (self.machine.reg_read(register) for register in self.arguments)
        result = into
        if name in ("_memcpy", "_memmove"):
            ctypes.memmove(into, source, count)
        elif name == "_memset":
            ctypes.memset(into, source & 0xFF, count)
        elif name in ("_bzero", "___bzero"):
            ctypes.memset(into, 0, source)
        elif name in ("_memcmp", "_bcmp"):
            one, other = ctypes.string_at(into, count), ctypes.string_at(source, count)
            result = (one > other) - (one < other)
        else:
            raise SystemExit(f"the program needs {name}, for {self.program.name(self.calls[-1])}")
        self.machine.reg_write(self.result, result & (2**64 - 1))
        back = self.calls.pop()
        if not self.apple:
            self.machine.reg_write(self.sp, self.machine.reg_read(self.sp) + 8)
        self.machine.reg_write(self.pc, back)


def main():
    processor, library, path = sys.argv[1:]
    os.environ["MACOS_WALK_PROGRAM"] = path
    walks = ctypes.CDLL(library)
    walks.macos_walk_load.restype = ctypes.c_bool
    walks.macos_walk.restype = ctypes.c_int64
    walks.macos_walk.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_void_p] * 2 + [ctypes.c_size_t]
    assert walks.macos_walk_load(), "the program is not understood"
    emulator = Emulator(processor, walks.macos_walk, Program(path))
    result = emulator.run()
    outcomes = ", ".join(f"{count} {name}" for name, count in emulator.outcomes.most_common())
    missed = sum(emulator.missed.values())
    print(f"{sum(emulator.outcomes.values())} instructions: {outcomes}; {missed} callers missed; result {result:x}")
    for (where, caller), times in emulator.missed.most_common(10):
        print(f"    {times} times at {where}: {caller}")
    whole = emulator.outcomes["whole"]
    if missed or whole * 2 < sum(emulator.outcomes.values()):
        raise SystemExit(1)


MMAP = ctypes.CDLL(None).mmap
MMAP.restype = ctypes.c_uint64
MMAP.argtypes = [ctypes.c_uint64, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
main()
