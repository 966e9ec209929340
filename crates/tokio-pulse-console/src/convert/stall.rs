//! Stalls and stacks.

use tokio_pulse::stall_report::{
    Frame, FrameOrigin, Stack, StallEnd, StallReport, StallVerdict, ThreadAtWork, WorkerStack,
};
use tokio_pulse_proto::v1;

use super::{count, nanos, number};

pub(crate) fn stall_report(report: &StallReport) -> v1::StallEvent {
    let report = v1::StallReport {
        stall: report.stall,
        task_id: report.task_id.map(number),
        task_name: report.task_name.clone(),
        spawned_at: report.spawned_at.map(location),
        thread: report.thread.clone(),
        tid: report.tid,
        worker: report.worker.map(count),
        elapsed_ns: nanos(report.elapsed),
        cpu_ns: report.cpu_used.map(nanos),
        verdict: Some(verdict(&report.verdict)),
        waiting_behind: report.waiting_behind.map(count),
        stack: Some(stack(&report.stack)),
        fingerprint: report.fingerprint,
        repeated: report.repeated,
        suppressed: report.suppressed,
    };
    v1::StallEvent { event: Some(v1::stall_event::Event::Report(report)) }
}

pub(crate) fn stall_end(end: &StallEnd) -> v1::StallEvent {
    let end = v1::StallEnd {
        stall: end.stall,
        task_id: end.task_id.map(number),
        task_name: end.task_name.clone(),
        spawned_at: end.spawned_at.map(location),
        lasted_ns: nanos(end.lasted),
        cpu_ns: end.cpu_used.map(nanos),
    };
    v1::StallEvent { event: Some(v1::stall_event::Event::End(end)) }
}

pub(crate) fn thread_stack(thread: &ThreadAtWork, found: &WorkerStack) -> v1::ThreadStack {
    v1::ThreadStack {
        thread: thread.thread.clone(),
        tid: thread.tid,
        worker: thread.worker.map(count),
        stalled: thread.is_stalled,
        task_id: thread.task_id.map(number),
        spawned_at: thread.spawned_at.map(super::site),
        verdict: Some(verdict(&found.verdict)),
        stack: Some(stack(&found.stack)),
    }
}

fn location(location: &std::panic::Location<'_>) -> v1::Site {
    super::site((location.file(), location.line(), location.column()))
}

fn verdict(verdict: &StallVerdict) -> v1::Verdict {
    let (call, name) = match verdict {
        StallVerdict::InSystemCall { number, name } => (*number, *name),
        _ => (None, None),
    };
    let kind = match verdict {
        StallVerdict::Computing => v1::VerdictKind::Computing,
        StallVerdict::InSystemCall { .. } => v1::VerdictKind::SystemCall,
        StallVerdict::WaitingForLock => v1::VerdictKind::Lock,
        StallVerdict::Descheduled => v1::VerdictKind::Descheduled,
        StallVerdict::PageFault => v1::VerdictKind::PageFault,
        _ => v1::VerdictKind::Unspecified,
    };
    v1::Verdict {
        kind: kind.into(),
        system_call: call,
        system_call_name: name.map(str::to_owned),
        text: verdict.to_string(),
    }
}

fn stack(stack: &Stack) -> v1::Stack {
    let culprit = stack.culprit();
    let is_culprit = |frame: &Frame| culprit.is_some_and(|culprit| std::ptr::eq(culprit, frame));
    v1::Stack {
        frames: stack.frames().iter().map(frame).collect(),
        missing: stack.missing().unwrap_or_default().to_owned(),
        truncated: stack.is_truncated(),
        culprit: stack.frames().iter().position(is_culprit).map(count),
    }
}

fn frame(frame: &Frame) -> v1::Frame {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    v1::Frame {
        function: text(frame.function()),
        file: text(frame.file()),
        line: frame.line().unwrap_or_default(),
        module: text(frame.module()),
        offset: frame.offset(),
        origin: origin(frame.origin()).into(),
        inlined: frame.is_inlined(),
    }
}

fn origin(origin: FrameOrigin) -> v1::FrameOrigin {
    match origin {
        FrameOrigin::User => v1::FrameOrigin::User,
        FrameOrigin::Dependency => v1::FrameOrigin::Dependency,
        FrameOrigin::Std => v1::FrameOrigin::Std,
        FrameOrigin::Tokio => v1::FrameOrigin::Tokio,
        FrameOrigin::Pulse => v1::FrameOrigin::Pulse,
        FrameOrigin::System => v1::FrameOrigin::System,
        _ => v1::FrameOrigin::Unspecified,
    }
}
