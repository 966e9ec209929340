//! How much a task may do before it should let others run: 16 bytes a task.
//!
//! [`TaskBudget`] counts down operations and knows a deadline. It allocates nothing and reads no
//! clock. Where only the task itself looks at its budget, a wrapper keeps it inside the future;
//! where others look too (the policy, a viewer), it comes out of a [`BudgetPool`], which makes
//! budgets by the slab and uses them again.
//!
//! ```text
//!   pool.rs         which slab: where to look first, when to make another, when to say no
//!   slab.rs         1,024 budgets in one allocation, and the handle that gives one back
//!   slots.rs        who of them is taken: one bit each
//!   task_budget.rs  the budget itself
//! ```

mod pool;
#[cfg(all(test, not(pulse_loom)))]
mod pool_tests;
mod slab;
mod slots;
mod task_budget;

pub use pool::BudgetPool;
pub use slab::PooledBudget;
pub use task_budget::TaskBudget;
