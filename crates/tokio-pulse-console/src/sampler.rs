//! What goes on now, read once for all whose ticks fall together.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio_pulse::alert::DelayProbe;
use tokio_pulse::{Handle, PreemptionMetrics, SuspectQuery};
use tokio_pulse_proto::v1;

use crate::convert;
use crate::limits::{SAMPLE_AGE, SUBSCRIBERS};

pub(crate) struct Sampler {
    handle: Handle,
    state: Mutex<State>,
}

struct State {
    figures: Option<(Instant, Arc<Figures>)>,
    /// One for each query, the latest last.
    suspects: Vec<(Instant, SuspectQuery, Arc<v1::Suspects>)>,
    config: Option<Arc<v1::Config>>,
    probe: DelayProbe,
    probed: Option<(Instant, Duration)>,
}

/// What is read in one go.
pub(crate) struct Figures {
    pub(crate) metrics: PreemptionMetrics,
    pub(crate) workers: v1::Workers,
}

impl Sampler {
    pub(crate) fn new(handle: &Handle) -> Self {
        let state = State {
            figures: None,
            suspects: Vec::new(),
            config: None,
            probe: DelayProbe::new(handle),
            probed: None,
        };
        Self { handle: handle.clone(), state: Mutex::new(state) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn figures(&self) -> Arc<Figures> {
        let mut state = self.lock();
        match &state.figures {
            Some((at, figures)) if at.elapsed() < SAMPLE_AGE => figures.clone(),
            _ => {
                let metrics = self.handle.preemption_metrics();
                let at_work = self.handle.threads_at_work();
                let workers = convert::workers(metrics.runtime(), &at_work);
                let figures = Arc::new(Figures { metrics, workers });
                state.figures = Some((Instant::now(), figures.clone()));
                figures
            }
        }
    }

    /// How late the runtime is: it is sent an empty task for each call, unless one is under way.
    pub(crate) fn delay(&self) -> Duration {
        if !self.handle.is_watching() {
            return Duration::ZERO;
        }
        let mut state = self.lock();
        match state.probed {
            Some((at, delay)) if at.elapsed() < SAMPLE_AGE => delay,
            _ => {
                let delay = state.probe.look();
                state.probed = Some((Instant::now(), delay));
                delay
            }
        }
    }

    pub(crate) fn suspects(&self, query: &SuspectQuery) -> Arc<v1::Suspects> {
        let mut state = self.lock();
        state.suspects.retain(|(at, ..)| at.elapsed() < SAMPLE_AGE);
        if let Some((.., suspects)) = state.suspects.iter().find(|(_, known, _)| known == query) {
            return suspects.clone();
        }
        let suspects = Arc::new(convert::suspects(self.handle.tiers().query(query)));
        if state.suspects.len() < SUBSCRIBERS {
            state.suspects.push((Instant::now(), query.clone(), suspects.clone()));
        }
        suspects
    }

    pub(crate) fn config(&self) -> Arc<v1::Config> {
        let handle = self.handle.tiers().config_handle();
        let mut state = self.lock();
        match &state.config {
            Some(config) if config.revision == handle.revision() => config.clone(),
            _ => {
                let config = Arc::new(convert::config(&handle.view()));
                state.config = Some(config.clone());
                config
            }
        }
    }
}
