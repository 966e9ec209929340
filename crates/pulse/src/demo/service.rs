//! The parent's half of the service workload: drives the load and adds up what comes of it.

use std::{net::SocketAddr, time::Duration};

use serde::Serialize;

use super::{
    WARM_UP, chart,
    child::Child,
    cores,
    figures::{Rounds, SideFigures, times_more, times_shorter},
    heavy::{Costs, Heavy},
    progress::Progress,
    server::{HEALTH, LOGIN, Listening, METRICS, REPORT},
    table, write_chart,
};
use crate::{
    Error,
    cli::{DemoOptions, count},
    load::{self, Class, OpenOutcome, OpenPlan, Target, open_loop},
    output,
    side::{PulseFigures, Side},
};

/// How long a server may take to write its document and listen.
const START_UP: Duration = Duration::from_secs(60);
/// How long the server may take to tell its metrics, when its load is over.
const METRICS_TIMEOUT: Duration = Duration::from_secs(10);
/// Between two rounds' seeds, so that their schedules have nothing in common.
const SEED_STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// Requests per second.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
struct Rates {
    health: f64,
    login: f64,
    report: f64,
}

impl Rates {
    /// What is not given keeps its half of the load: so much of so many cores.
    fn choose(options: &DemoOptions, costs: &Costs, cores: usize) -> Self {
        let service = &options.service;
        let busy =
            f64::from(service.load) / 100.0 * count(options.runtime.workers).min(cores) as f64;
        let half = |cost_ms: f64| (busy / 2.0) * 1e3 / cost_ms.max(0.001);
        Self {
            health: service.rate_health,
            login: service.rate_login.unwrap_or_else(|| half(costs.login_ms)),
            report: service.rate_report.unwrap_or_else(|| half(costs.report_ms)),
        }
    }
}

pub(super) fn run(options: &DemoOptions) -> Result<(), Error> {
    let busy = count(options.runtime.workers).min(cores());
    let costs = Heavy::new()?.costs(busy)?;
    let rates = Rates::choose(options, &costs, busy);
    let (mut stock, mut pulse) = (Rounds::default(), Rounds::default());
    for round in 0..options.rounds {
        // Who goes first changes, so that a machine that warms up or slows down hits both.
        let order =
            if round % 2 == 0 { [Side::Stock, Side::Pulse] } else { [Side::Pulse, Side::Stock] };
        for side in order {
            let sum = if side == Side::Stock { &mut stock } else { &mut pulse };
            measure(options, side, round, rates, sum)?;
        }
    }
    for (side, rounds) in [(Side::Stock, &stock), (Side::Pulse, &pulse)] {
        if rounds.health.latencies.is_empty() {
            return Err(Error::NoAnswers(side));
        }
    }
    publish(options, &costs, rates, &stock, &pulse)
}

fn measure(
    options: &DemoOptions,
    side: Side,
    round: u32,
    rates: Rates,
    sum: &mut Rounds,
) -> Result<(), Error> {
    let mut words = vec!["serve".into(), format!("--runtime={}", side.word())];
    words.push(format!("--port={}", options.service.port));
    words.extend(options.runtime.words());
    let mut server = Child::start(side, &words)?;
    let Listening { addr } = server.line(START_UP)?;

    let plan = plan(options, addr, round, rates);
    let label = format!("{side}, round {} of {}", round + 1, options.rounds);
    let progress = Progress::start(label, plan.warm_up + plan.measured);
    let outcome = open_loop(&plan, server.gone()).map_err(Error::Generator)?;
    drop(progress);
    server.check()?;

    let figures = match side {
        Side::Stock => None,
        Side::Pulse => Some(fetch_metrics(addr)?),
    };
    server.stop()?;
    add(sum, &outcome, figures);
    Ok(())
}

fn plan(options: &DemoOptions, addr: SocketAddr, round: u32, rates: Rates) -> OpenPlan {
    let class = |target, per_second| Class { target, per_second };
    let classes = vec![
        class(Target::get(HEALTH), rates.health),
        class(Target::post(LOGIN, "correct horse battery staple"), rates.login),
        class(Target::get(REPORT), rates.report),
    ];
    OpenPlan {
        warm_up: WARM_UP,
        seed: options.service.seed.wrapping_add(u64::from(round).wrapping_mul(SEED_STEP)),
        ..OpenPlan::new(addr, classes, options.measured())
    }
}

fn fetch_metrics(addr: SocketAddr) -> Result<PulseFigures, Error> {
    let nonsense = |detail: String| Error::ChildNonsense { side: Side::Pulse, detail };
    let body = load::fetch(addr, &Target::get(METRICS), METRICS_TIMEOUT)
        .map_err(|error| nonsense(error.to_string()))?;
    serde_json::from_slice(&body).map_err(|error| nonsense(error.to_string()))
}

fn add(sum: &mut Rounds, outcome: &OpenOutcome, figures: Option<PulseFigures>) {
    let sums = [&mut sum.health, &mut sum.login, &mut sum.report];
    for (sum, class) in sums.into_iter().zip(&outcome.classes) {
        sum.merge(class);
    }
    sum.lag.merge(&outcome.lag);
    sum.pulse = PulseFigures::sum(sum.pulse, figures);
}

fn publish(
    options: &DemoOptions,
    costs: &Costs,
    rates: Rates,
    stock: &Rounds,
    pulse: &Rounds,
) -> Result<(), Error> {
    let seconds = options.measured().as_secs_f64() * f64::from(options.rounds);
    let figures = [stock.figures(seconds), pulse.figures(seconds)];
    if let Some(path) = options.chart() {
        let subtitle = format!(
            "axum on {} workers: {:.0} /health per second beside {:.0} /login (argon2) and {:.0} /report (JSON)",
            options.runtime.workers, rates.health, rates.login, rates.report
        );
        let lines = [
            chart::Line::stock(&stock.health.latencies),
            chart::Line::pulse(&pulse.health.latencies),
        ];
        let title = "Latency of /health while other handlers compute";
        write_chart(path, &chart::draw(title, &subtitle, "latency", &lines))?;
    }
    if options.json {
        return output::say(&json(options, costs, rates, &figures));
    }
    let [stock, pulse] = figures;
    output::say(&table::service(&stock, &pulse))?;
    output::say(&format!(
        "A login takes {} and a report {} of CPU; {:.1} and {:.1} per second arrive. Latencies \
         count from the time a request should have left.",
        table::ms(costs.login_ms),
        table::ms(costs.report_ms),
        rates.login,
        rates.report
    ))?;
    options.chart().map_or(Ok(()), |path| output::say(&format!("Chart: {}", path.display())))
}

fn json(
    options: &DemoOptions,
    costs: &Costs,
    rates: Rates,
    [stock, pulse]: &[SideFigures; 2],
) -> String {
    let health = |pick: fn(&crate::latencies::Summary) -> f64| {
        times_shorter(pick(&stock.health.latency), pick(&pulse.health.latency))
    };
    serde_json::json!({
        "workload": "service",
        "workers": options.runtime.workers,
        "cores": cores(),
        "seconds": options.seconds,
        "rounds": options.rounds,
        "seed": options.service.seed,
        "rates_per_s": rates,
        "costs": costs,
        "stock": stock,
        "pulse": pulse,
        "times_better": {
            "health_p50": health(|it| it.p50_ms),
            "health_p99": health(|it| it.p99_ms),
            "health_p999": health(|it| it.p999_ms),
            "health_max": health(|it| it.max_ms),
            "login_done": times_more(stock.login.completed_per_s, pulse.login.completed_per_s),
            "report_done": times_more(stock.report.completed_per_s, pulse.report.completed_per_s),
        },
        "svg": options.chart(),
    })
    .to_string()
}
