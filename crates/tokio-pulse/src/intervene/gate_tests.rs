use std::sync::atomic::AtomicUsize;
use std::sync::mpsc;

use super::*;
use crate::task::TaskPriority;

fn flow(id: u64) -> Flow {
    Flow { id, priority: TaskPriority::Normal }
}

fn house(permits: usize) -> House {
    House { permits, algorithm: SchedulingAlgorithm::default() }
}

/// As somebody behind whom nobody waits.
fn enter(gate: &Arc<Gate>, permits: usize) -> Permit {
    gate.enter(flow(1), house(permits), Duration::ZERO, &|| true).unwrap()
}

#[test]
fn never_more_inside_than_there_are_permits() {
    let gate = Arc::new(Gate::new());
    let inside = Arc::new(AtomicUsize::new(0));
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let (gate, inside) = (gate.clone(), inside.clone());
            thread::spawn(move || {
                for _ in 0..200 {
                    let _permit = enter(&gate, 2);
                    assert!(inside.fetch_add(1, Ordering::SeqCst) < 2);
                    thread::yield_now();
                    inside.fetch_sub(1, Ordering::SeqCst);
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(gate.lock().inside, 0);
}

#[test]
fn of_those_who_ran_at_one_place_whoever_came_first_goes_in_first() {
    let gate = Gate::new();
    let mut row = gate.lock();
    let waiter = || Arc::new(Waiter { processor: Some(0), ..Waiter::here() });
    let came = [waiter(), waiter(), waiter()];
    for waiter in &came {
        row.waiting.push(flow(1), waiter.clone());
    }
    let taken: Vec<_> =
        std::iter::from_fn(|| row.take(Some(0))).map(|(_, waiter)| waiter).collect();
    assert_eq!(taken.len(), came.len());
    assert!(taken.iter().zip(&came).all(|(taken, came)| Arc::ptr_eq(taken, came)));
}

#[test]
fn a_poll_inside_that_waits_for_one_outside_does_not_wait_forever() {
    let gate = Arc::new(Gate::new());
    let _permit = enter(&gate, 1);
    let (done_in, done) = mpsc::channel();
    let outside = gate.clone();
    let thread = thread::spawn(move || {
        let _permit = enter(&outside, 1);
        done_in.send(()).unwrap();
    });
    done.recv_timeout(Duration::from_secs(60)).unwrap();
    thread.join().unwrap();
    assert_eq!(gate.waited_and_forced(), (1, 1));
}

/// Two that never come out cost one pause, not one for each that comes after them.
#[test]
fn those_who_are_stuck_inside_are_written_off() {
    let gate = Arc::new(Gate::new());
    let stuck = [enter(&gate, 2), enter(&gate, 2)];
    let threads: Vec<_> = (0..20)
        .map(|_| {
            let gate = gate.clone();
            thread::spawn(move || drop(enter(&gate, 2)))
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    let (_, forced) = gate.waited_and_forced();
    assert!(forced < 5, "{forced} pauses");
    drop(stuck);
    assert_eq!(gate.lock().inside, 0);
}

/// It holds up others, and gives up. Nobody is held up by the place that it had in the row.
#[test]
fn who_holds_up_others_does_not_wait_for_long() {
    let gate = Arc::new(Gate::new());
    let inside = enter(&gate, 1);
    let impatient = gate.enter(flow(2), house(1), Duration::from_millis(1), &|| false);
    assert!(impatient.is_none());
    drop(inside);
    drop(enter(&gate, 1));
    let row = gate.lock();
    assert_eq!((row.inside, row.len()), (0, 0));
}

#[test]
fn of_those_whose_turn_comes_next_one_that_ran_here_goes_first() {
    let gate = Gate::new();
    let mut row = gate.lock();
    for (id, processor) in [(1, 0), (2, 1), (3, 1), (4, 1)] {
        let waiter = Waiter { processor: Some(processor), ..Waiter::here() };
        row.waiting.push(flow(id), Arc::new(waiter));
    }
    let order: Vec<_> = std::iter::from_fn(|| row.take(Some(1))).map(|(flow, _)| flow.id).collect();
    assert_eq!(order, [2, 3, 1, 4], "two are looked at for the one permit, and passed over twice");
}

#[test]
fn an_open_gate_stops_nobody() {
    let gate = Arc::new(Gate::new());
    let inside = enter(&gate, 1);
    gate.open();
    let more = [enter(&gate, 1), enter(&gate, 1)];
    drop((inside, more));
    assert_eq!(gate.lock().inside, 0);
}
