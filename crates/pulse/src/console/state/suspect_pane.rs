//! The suspects, and which of them are asked for.

use tokio_pulse_proto::v1;

use super::Cursor;

/// The service sorts and filters: it may have more on record than anybody wants to be sent.
#[derive(Debug, Default)]
pub(crate) struct SuspectPane {
    pub(crate) list: Vec<v1::Suspect>,
    pub(crate) matching: u64,
    pub(crate) total: u64,
    /// What was asked for last.
    pub(crate) query: v1::SuspectQuery,
    pub(crate) cursor: Cursor<u64>,
}

impl SuspectPane {
    pub(super) fn told(&mut self, suspects: v1::Suspects) {
        self.list = suspects.suspects;
        self.matching = suspects.matching;
        self.total = suspects.total;
        self.cursor.settle(self.list.iter().map(|suspect| suspect.task_id));
    }

    pub(super) fn forget(&mut self) {
        self.told(v1::Suspects::default());
    }

    pub(crate) fn selected(&self) -> Option<&v1::Suspect> {
        self.list.get(self.cursor.at())
    }

    /// The query with the next order.
    pub(super) fn next_order(&self) -> v1::SuspectQuery {
        use v1::SuspectOrder as Order;
        let next = match self.query.order() {
            Order::Unspecified => Order::Violations,
            Order::Violations => Order::Cpu,
            Order::Cpu => Order::Recent,
            Order::Recent => Order::Longest,
            Order::Longest => Order::Unspecified,
        };
        v1::SuspectQuery { order: next.into(), ..self.query.clone() }
    }

    /// The query with the next least tier.
    pub(super) fn next_tier(&self) -> v1::SuspectQuery {
        v1::SuspectQuery { min_tier: (self.query.min_tier + 1) % 4, ..self.query.clone() }
    }

    pub(super) fn filtered(&self, filter: String) -> v1::SuspectQuery {
        v1::SuspectQuery { filter, ..self.query.clone() }
    }

    /// The order in words.
    pub(crate) fn order(&self) -> &'static str {
        match self.query.order() {
            v1::SuspectOrder::Unspecified => "tier",
            v1::SuspectOrder::Violations => "violations",
            v1::SuspectOrder::Cpu => "CPU",
            v1::SuspectOrder::Recent => "last offence",
            v1::SuspectOrder::Longest => "longest",
        }
    }
}
