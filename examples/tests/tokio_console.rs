//! What tokio-console sees of Pulse's tasks: a real server of `console-subscriber`, asked by a real
//! client of its protocol over a real socket.

#![cfg(unix)]

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use console_api::field::{Name, Value};
use console_api::instrument::InstrumentRequest;
use console_api::instrument::instrument_client::InstrumentClient;
use console_api::tasks::Task;
use console_subscriber::{ConsoleLayer, ServerAddr};
use hyper_util::rt::TokioIo;
use tokio_pulse::TaskPriority;
use tokio_pulse::task::Builder;
use tonic::transport::{Channel, Endpoint, Uri};
use tracing_subscriber::prelude::*;

const PATIENCE: Duration = Duration::from_secs(60);

/// The server and the client have a runtime of their own, beside the one that is watched.
fn aside() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

async fn connect(path: PathBuf) -> InstrumentClient<Channel> {
    let began = Instant::now();
    loop {
        let path = path.clone();
        let connector = tower::service_fn(move |_: Uri| {
            let path = path.clone();
            async move { tokio::net::UnixStream::connect(path).await.map(TokioIo::new) }
        });
        match Endpoint::from_static("http://console").connect_with_connector(connector).await {
            Ok(channel) => return InstrumentClient::new(channel),
            Err(error) => assert!(began.elapsed() < PATIENCE, "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The fields of a row, by their names.
fn fields(task: &Task, names: &HashMap<u64, Vec<String>>) -> HashMap<String, String> {
    let text = |value: &Value| match value {
        Value::DebugVal(text) | Value::StrVal(text) => text.clone(),
        Value::U64Val(number) => number.to_string(),
        Value::I64Val(number) => number.to_string(),
        Value::BoolVal(truth) => truth.to_string(),
    };
    let name = |field: &console_api::Field| match field.name.as_ref()? {
        Name::StrName(name) => Some(name.clone()),
        Name::NameIdx(index) => {
            names.get(&field.metadata_id.as_ref()?.id)?.get(*index as usize).cloned()
        }
    };
    let pair = |field: &console_api::Field| Some((name(field)?, text(field.value.as_ref()?)));
    task.fields.iter().filter_map(pair).collect()
}

/// CPU time: on a loaded machine the wall clock would end it before anything was burned.
fn burn(time: Duration) {
    let timer = tokio_pulse::CpuTimer::start();
    while timer.elapsed() < time {
        std::hint::spin_loop();
    }
}

#[test]
fn tasks_have_their_tier_budget_and_priority() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("console.sock");
    let address = ServerAddr::Unix(path.clone());
    let (layer, server) = ConsoleLayer::builder()
        .server_addr(address)
        .publish_interval(Duration::from_millis(50))
        .build();
    tracing_subscriber::registry().with(layer).init();
    std::thread::spawn(move || aside().block_on(server.serve()).unwrap());

    let runtime = tokio_pulse::Builder::new_multi_thread()
        .worker_threads(2)
        .slice(Duration::from_millis(10))
        .enable_all()
        .build()
        .unwrap();
    let hog = Builder::new()
        .name("hog")
        .priority(TaskPriority::Low)
        .budget(Duration::from_millis(7))
        .spawn_on(
            async {
                loop {
                    burn(Duration::from_millis(30));
                    tokio::task::yield_now().await;
                }
            },
            runtime.handle(),
        );
    let plain = runtime.handle().spawn(std::future::pending::<()>());

    aside().block_on(async {
        let mut client = connect(path).await;
        let mut updates = client.watch_updates(InstrumentRequest {}).await.unwrap().into_inner();
        let mut names = HashMap::new();
        let (mut rows, mut plain_seen) = (Vec::new(), false);
        let began = Instant::now();
        while !plain_seen || !rows.iter().any(|row: &HashMap<String, String>| row["tier"] != "0") {
            assert!(began.elapsed() < PATIENCE, "{rows:?}");
            let update = updates.message().await.unwrap().unwrap();
            for new in update.new_metadata.into_iter().flat_map(|new| new.metadata) {
                if let (Some(id), Some(metadata)) = (new.id, new.metadata) {
                    names.insert(id.id, metadata.field_names);
                }
            }
            for task in update.task_update.into_iter().flat_map(|update| update.new_tasks) {
                let fields = fields(&task, &names);
                if fields.get("kind").is_none_or(|kind| kind != "pulse") {
                    continue; // Tokio's own row of it, if it makes some
                }
                let location = task.location.clone().unwrap();
                assert!(location.file().ends_with("tokio_console.rs"), "{location:?}");
                if fields["task.name"] == "hog" {
                    rows.push(fields);
                } else if fields["task.id"] == plain.id().to_string() {
                    assert_eq!(fields["tier"], "0");
                    assert_eq!(fields["priority"], "normal");
                    assert_eq!(fields["budget"], "10ms");
                    plain_seen = true;
                }
            }
        }
        for row in &rows {
            assert_eq!(row["task.id"], hog.id().to_string());
            assert_eq!((&*row["priority"], &*row["budget"]), ("low", "7ms"), "{row:?}");
        }
    });
    hog.abort();
}
