#[tokio_pulse::preemption_budget(speed = 4)]
async fn unknown() {
    loop {}
}

#[tokio_pulse::preemption_budget(cpu = 4)]
async fn nearly() {
    loop {}
}

#[tokio_pulse::preemption_budget(foo::bar = 4)]
async fn unknown_path() {
    loop {}
}

#[tokio_pulse::preemption_budget(polls)]
async fn without_value() {
    loop {}
}

#[tokio_pulse::preemption_budget(64)]
async fn without_name() {
    loop {}
}

#[tokio_pulse::preemption_budget(cpu_ms = 4 polls = 8)]
async fn without_comma() {
    loop {}
}

#[tokio_pulse::preemption_budget(cpu_ms = 4, polls = 8, cpu_ms = 4)]
async fn twice() {
    loop {}
}

#[tokio_pulse::preemption_budget(cpu_ms = 0, polls = 0, yield_interval = 0)]
async fn zeroes() {
    loop {}
}

#[tokio_pulse::preemption_budget(cpu_ms = 60001, polls = 4294967296)]
async fn too_much() {
    loop {}
}

#[tokio_pulse::preemption_budget(cpu_ms = "4", polls = -1, yield_interval = 1.5)]
async fn not_whole() {
    loop {}
}

#[tokio_pulse::preemption_budget(polls = LIMIT)]
async fn computed() {
    loop {}
}

#[tokio_pulse::preemption_budget(polls = 8)]
fn not_polled() {
    loop {}
}

// They are all kept beside their errors.
fn main() {
    let _ = (unknown(), nearly(), unknown_path(), without_value(), without_name());
    let _ = (without_comma(), twice(), zeroes(), too_much(), not_whole(), computed());
    not_polled();
}
