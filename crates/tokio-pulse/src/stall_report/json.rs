//! A report as one line of JSON.

use std::fmt::{self, Display, Write as _};
use std::time::Duration;

use super::{Frame, StallEnd, StallReport, StallVerdict};

impl StallReport {
    /// The report as one JSON object without line breaks. What is not known is `null`; times are
    /// in microseconds; the fingerprint is 16 hexadecimal digits in a string.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use tokio_pulse::stall_report::{Reporter, StallFacts};
    /// let facts = StallFacts::new(1, 1, Duration::from_millis(30));
    /// let line = Reporter::builder().build().report(&facts).to_json();
    /// assert!(line.contains(r#""elapsed_us":30000"#));
    /// ```
    pub fn to_json(&self) -> String {
        let mut out = String::new();
        // Writing to a string does not fail.
        let _ = self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) -> fmt::Result {
        let micros = |duration: Duration| duration.as_micros();
        let (number, name) = match self.verdict {
            StallVerdict::InSystemCall { number, name } => (number, name),
            _ => (None, None),
        };
        write!(out, r#"{{"stall":{}"#, self.stall)?;
        write!(out, r#","task_id":{}"#, OrNull(self.task_id))?;
        write!(out, r#","task_name":{}"#, text(&self.task_name))?;
        write!(out, r#","spawned_at":{}"#, text(&self.spawned_at))?;
        write!(out, r#","thread":{},"tid":{}"#, Text(&self.thread), self.tid)?;
        write!(out, r#","worker":{}"#, OrNull(self.worker))?;
        write!(out, r#","elapsed_us":{}"#, micros(self.elapsed))?;
        write!(out, r#","cpu_us":{}"#, OrNull(self.cpu_used.map(micros)))?;
        write!(out, r#","verdict":{}"#, Text(self.verdict.as_str()))?;
        write!(out, r#","system_call":{}"#, text(&name))?;
        write!(out, r#","system_call_number":{}"#, OrNull(number))?;
        write!(out, r#","waiting_behind":{}"#, OrNull(self.waiting_behind))?;
        write!(out, r#","fingerprint":"{:016x}""#, self.fingerprint)?;
        write!(out, r#","repeated":{},"suppressed":{}"#, self.repeated, self.suppressed)?;
        out.push_str(r#","culprit":"#);
        match self.stack.culprit() {
            Some(frame) => write_frame(out, frame)?,
            None => out.push_str("null"),
        }
        write!(out, r#","stack_missing":{}"#, text(&self.stack.missing()))?;
        write!(out, r#","stack_truncated":{}"#, self.stack.is_truncated())?;
        out.push_str(r#","stack":["#);
        for (index, frame) in self.stack.frames().iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            write_frame(out, frame)?;
        }
        out.push_str("]}");
        Ok(())
    }
}

impl StallEnd {
    /// The end as one JSON object without line breaks, in the manner of [`StallReport::to_json`].
    /// It has `"ended":true`, which a report has not.
    pub fn to_json(&self) -> String {
        format!(
            r#"{{"ended":true,"stall":{},"task_id":{},"task_name":{},"task_group":{},"spawned_at":{},"lasted_us":{},"cpu_us":{}}}"#,
            self.stall,
            OrNull(self.task_id),
            text(&self.task_name),
            OrNull(self.task_group),
            text(&self.spawned_at),
            self.lasted.as_micros(),
            OrNull(self.cpu_used.map(|cpu| cpu.as_micros())),
        )
    }
}

fn write_frame(out: &mut String, frame: &Frame) -> fmt::Result {
    write!(out, r#"{{"function":{}"#, text(&frame.function()))?;
    write!(out, r#","file":{},"line":{}"#, text(&frame.file()), OrNull(frame.line()))?;
    write!(out, r#","module":{},"offset":{}"#, text(&frame.module()), frame.offset())?;
    let (origin, inlined) = (frame.origin().as_str(), frame.is_inlined());
    write!(out, r#","origin":{},"inlined":{inlined}}}"#, Text(origin))
}

fn text<T: Display>(value: &Option<T>) -> OrNull<Text<&T>> {
    OrNull(value.as_ref().map(Text))
}

struct OrNull<T>(Option<T>);

impl<T: Display> Display for OrNull<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(value) => value.fmt(f),
            None => f.write_str("null"),
        }
    }
}

/// A JSON string.
struct Text<T>(T);

impl<T: Display> Display for Text<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        write!(Escaping(f), "{}", self.0)?;
        f.write_char('"')
    }
}

struct Escaping<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl fmt::Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            match character {
                '"' | '\\' => write!(self.0, "\\{character}")?,
                control if control < ' ' => write!(self.0, "\\u{:04x}", u32::from(control))?,
                other => self.0.write_char(other)?,
            }
        }
        Ok(())
    }
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use super::super::stack::tests::frame;
    use super::super::{Stack, StallFacts};
    use super::*;

    #[test]
    fn a_json_parser_reads_it_back() {
        let mut facts = StallFacts::new(7, 1, Duration::from_micros(1500));
        facts.thread = "a \"quoted\" \\ name\n\u{1}é".to_owned();
        facts.worker = Some(3);
        let verdict = StallVerdict::InSystemCall { number: Some(0), name: Some("read") };
        let frames = vec![frame("core::a", 1), frame("app::<\"b\">", 2)];
        let report = StallReport::new(facts.clone(), verdict, Stack::new(frames, true));
        let line = report.to_json();
        assert!(!line.contains('\n'));
        let json: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(json["thread"], *facts.thread);
        assert_eq!(json["task_id"], serde_json::Value::Null);
        assert_eq!((&json["worker"], &json["elapsed_us"]), (&3.into(), &1500.into()));
        assert_eq!(json["system_call"], "read");
        assert_eq!(json["fingerprint"], format!("{:016x}", report.fingerprint));
        assert_eq!(json["culprit"]["function"], "app::<\"b\">");
        assert_eq!(json["stack"][0]["origin"], "std");
        assert_eq!(json["stack"].as_array().unwrap().len(), 2);
        assert_eq!(json["stack_truncated"], true);

        let report = StallReport::new(facts, StallVerdict::Unknown, Stack::missing_because("why"));
        let json: serde_json::Value = serde_json::from_str(&report.to_json()).unwrap();
        assert_eq!((&json["stack_missing"], &json["culprit"]), (&"why".into(), &().into()));
    }
}
