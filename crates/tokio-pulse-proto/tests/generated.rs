//! The generated code is what the `.proto` says. After a change to that:
//! `PULSE_PROTO_WRITE=1 cargo test -p tokio-pulse-proto --test generated`

use std::path::Path;
use std::{env, fs};

const FILE: &str = "tokio_pulse.v1.rs";

#[test]
fn the_generated_code_is_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("generated");
    fs::create_dir_all(&out).unwrap();
    generate(&root.join("proto"), &out);

    let generated = fs::read_to_string(out.join(FILE)).unwrap();
    let kept = root.join("src/generated").join(FILE);
    if env::var_os("PULSE_PROTO_WRITE").is_some() {
        fs::create_dir_all(kept.parent().unwrap()).unwrap();
        fs::write(&kept, &generated).unwrap();
    }
    let kept = fs::read_to_string(&kept).unwrap_or_default().replace("\r\n", "\n");
    assert!(
        kept == generated,
        "src/generated/{FILE} is not what the .proto says; to write it anew:\n  \
         PULSE_PROTO_WRITE=1 cargo test -p tokio-pulse-proto --test generated"
    );
}

fn generate(protos: &Path, out: &Path) {
    let files = protox::compile(["tokio_pulse/v1/console.proto"], [protos]).unwrap();
    tonic_prost_build::configure()
        .out_dir(out)
        // Who connects brings the channel along.
        .build_transport(false)
        .client_mod_attribute(".", "#[cfg(feature = \"client\")]")
        .server_mod_attribute(".", "#[cfg(feature = \"server\")]")
        .compile_fds(files)
        .unwrap();
}
