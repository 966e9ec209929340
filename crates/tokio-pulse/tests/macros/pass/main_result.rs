#![deny(warnings)]

use std::error::Error;

/// Attributes and visibility stay.
#[must_use]
#[tokio_pulse::main]
pub(crate) async fn parse(text: &str) -> Result<u32, Box<dyn Error + Send + Sync>> {
    if text.is_empty() {
        return Ok(0);
    }
    Ok(text.parse()?)
}

#[tokio_pulse::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let parsed = tokio::task::spawn_blocking(|| (parse(""), parse("7"), parse("x"))).await?;
    let (Ok(0), Ok(7), Err(_)) = parsed else { return Err("not what was expected".into()) };
    "7".parse::<u32>()?;
    Ok(())
}
