// Errors in the body are the user's: they point into the body, and at the loop if the yield point is the reason.
use std::cell::Cell;
use std::sync::Mutex;

use tokio_pulse::preemption_budget;

#[preemption_budget]
async fn unknown_name() {
    for _ in 0..3 {
        missing();
    }
}

#[preemption_budget(polls = 2)]
async fn wrong_type() -> u32 {
    loop {
        break "not a number";
    }
}

#[preemption_budget(cpu_ms = 2)]
fn wrong_question_mark() {
    while true {
        "7".parse::<u8>()?;
    }
}

#[preemption_budget]
async fn holds_a_lock(numbers: &Mutex<Vec<u32>>) {
    let guard = numbers.lock().unwrap();
    for number in guard.iter() {
        println!("{number}");
    }
}

#[preemption_budget]
async fn holds_a_cell(cell: &Cell<u32>) {
    while cell.get() < 3 {
        cell.set(cell.get() + 1);
    }
}

#[preemption_budget]
async fn the_budget_is_out_of_reach() {
    loop {
        budget.checkpoint();
    }
}

fn is_send(_: impl Send) {}

fn main() {
    is_send(holds_a_lock(&Mutex::default()));
    is_send(holds_a_cell(&Cell::default()));
}
