//! What the emulator runs: sorts, maps, formatting, trait objects, closures, recursion, tail calls, early
//! returns before a frame is needed, loops that need every register. Nothing of the system's but `memcpy`
//! and its like.

use std::alloc::{GlobalAlloc, Layout};
use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::hash::BuildHasherDefault;
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Memory that is never given back.
struct Heap;

const SIZE: usize = 1 << 21;

#[repr(align(16))]
struct Memory(std::cell::UnsafeCell<[u8; SIZE]>);

// SAFETY: each byte is given to one caller.
unsafe impl Sync for Memory {}

static MEMORY: Memory = Memory(std::cell::UnsafeCell::new([1; SIZE]));
static USED: AtomicUsize = AtomicUsize::new(0);

// SAFETY: aligned, in bounds, and nothing twice.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let start = USED.load(Relaxed).next_multiple_of(layout.align());
        if start + layout.size() > SIZE {
            return std::ptr::null_mut();
        }
        USED.store(start + layout.size(), Relaxed);
        // SAFETY: in bounds.
        unsafe { MEMORY.0.get().cast::<u8>().add(start) }
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static HEAP: Heap = Heap;

trait Shape {
    fn area(&self) -> f64;
    fn scale(&mut self, by: f64) -> bool;
}

struct Square(f64);
struct Circle(f64, String);

impl Shape for Square {
    fn area(&self) -> f64 {
        self.0 * self.0
    }

    fn scale(&mut self, by: f64) -> bool {
        if by < 0.0 {
            return false;
        }
        self.0 *= by;
        true
    }
}

impl Shape for Circle {
    fn area(&self) -> f64 {
        self.0 * self.0 * 3.1
    }

    fn scale(&mut self, by: f64) -> bool {
        if by < 0.0 {
            return false;
        }
        self.0 *= by;
        self.1.push('x');
        true
    }
}

#[inline(never)]
fn leaf(n: u64) -> u64 {
    (0..20).fold(n, |sum, i| sum.rotate_left(5) ^ black_box(i))
}

/// More values at once than there are registers, the link register included.
#[inline(never)]
fn crowd(values: &[u64]) -> u64 {
    let mut crowd = [0_u64; 30];
    for (index, place) in crowd.iter_mut().enumerate() {
        *place = index as u64;
    }
    for value in values {
        for index in 0..crowd.len() - 1 {
            crowd[index] = crowd[index].wrapping_mul(value | 1) ^ crowd[index + 1];
        }
        crowd[29] ^= crowd[0];
    }
    crowd.iter().fold(0, |sum, value| sum ^ value)
}

#[inline(never)]
fn early(kept: &mut Vec<u64>, n: u64) -> u64 {
    if n % 3 != 0 {
        return n ^ 7;
    }
    kept.push(n);
    let sum = kept.iter().map(|value| leaf(*value)).fold(0, u64::wrapping_add);
    if n % 2 == 0 { either(sum) } else { kept.len() as u64 + sum }
}

#[inline(never)]
fn either(n: u64) -> u64 {
    if n & 8 == 0 { leaf(n) } else { ping(n, 5) }
}

#[inline(never)]
fn ping(n: u64, left: u32) -> u64 {
    if left == 0 { n } else { pong(n.wrapping_add(1), left - 1) }
}

#[inline(never)]
fn pong(n: u64, left: u32) -> u64 {
    if n % 5 == 0 { leaf(n) } else { ping(n ^ 3, left) }
}

#[inline(never)]
fn fibonacci(n: u64) -> u64 {
    if n < 2 { n } else { fibonacci(n - 1) + fibonacci(n - 2) }
}

#[inline(never)]
fn twice(f: &dyn Fn(u64) -> u64, n: u64) -> u64 {
    f(n).wrapping_add(f(n + 1))
}

#[inline(never)]
fn choose(n: u64) -> u64 {
    match n % 6 {
        0 => leaf(n),
        1 => n,
        2 => fibonacci(3),
        3 => {
            let many = black_box([n; 64]);
            leaf(many[n as usize % 64])
        }
        4 => n << 2,
        _ => either(n),
    }
}

fn work(n: u64) -> u64 {
    let mut values: Vec<u64> = (0..40).map(|i| leaf(i ^ n) % 100).collect();
    values.sort_by(|a, b| (a % 10).cmp(&(b % 10)).then(b.cmp(a)));
    values.sort_unstable();
    let mut tree = BTreeMap::new();
    for value in &values {
        *tree.entry(*value).or_insert(0_u64) += choose(*value);
    }
    let mut table: HashMap<u64, String, BuildHasherDefault<DefaultHasher>> = HashMap::default();
    for (key, value) in &tree {
        table.insert(*key, format!("{value:>8}-{key:?}"));
    }
    let mut text = String::new();
    for i in 0..6_u64 {
        let found = table.get(&i).map_or("", |found| found);
        let _ = write!(text, "{:?} {:.3} {found}", tree.get(&i), i as f64 * 1.7);
    }
    let mut shapes: Vec<Box<dyn Shape>> =
        vec![Box::new(Square(2.0)), Box::new(Circle(1.5, "a".into()))];
    let mut area = 0.0;
    for shape in &mut shapes {
        if shape.scale(1.5) && !shape.scale(-1.0) {
            area += shape.area();
        }
    }
    let mut kept = Vec::new();
    let sum = (0..12).map(|i| early(&mut kept, i)).fold(0, u64::wrapping_add);
    let called = twice(&|value| leaf(value).wrapping_add(sum), n) ^ twice(&leaf, n);
    let parsed = "123".parse().unwrap_or(0) ^ u64::from("12x".parse::<u64>().is_err());
    sum ^ called ^ parsed ^ fibonacci(7) ^ crowd(&values) ^ text.len() as u64 ^ area as u64
}

/// Where the walk ends. Told apart by its name, which is not Rust's.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn run(n: u64) -> u64 {
    black_box(black_box(work as fn(u64) -> u64)(n))
}

fn main() {
    println!("{}", run(3));
}
