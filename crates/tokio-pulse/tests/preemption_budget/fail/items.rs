use tokio_pulse::preemption_budget;

#[preemption_budget]
struct NotAFunction;

#[preemption_budget]
impl NotAFunction {}

#[preemption_budget]
const fn at_compile_time() {
    loop {}
}

#[preemption_budget]
extern "C" fn called_from_elsewhere() {
    loop {}
}

unsafe extern "C" {
    #[preemption_budget]
    fn elsewhere();
}

trait Trait {
    #[preemption_budget]
    async fn without_a_body(&self);
}

#[preemption_budget]
async fn without_a_loop() {
    let _ = [1, 2].map(|n: u32| {
        let mut n = n;
        while n < 3 {
            n += 1;
        }
    });
}

fn main() {
    let _ = (NotAFunction, at_compile_time, called_from_elsewhere, without_a_loop);
}
