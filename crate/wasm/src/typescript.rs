//! The TypeScript of the protocol, and the test that it is the committed one.

use run::Finish;
use run::tasks::{Answer, Entity, Filled, Generated, Label, Mask, Token};
use ts_rs::TS;

use crate::messages::{NamedFile, Opened, Outcome, OutputTensor, Pixels, RandomModel, Reply, Request, Source, Task};
use crate::protocol::*;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../web/src/engine/protocol.generated.ts");

/// The whole module.
fn typescript() -> String {
    let config = ts_rs::Config::new();
    let mut text = String::from("// Generated from crate/wasm/src by its tests: do not edit.\n");
    macro_rules! declare {
        ($($ty:ident)*) => { $(
            let docs = <$ty as TS>::docs().unwrap_or_default();
            text.push_str(&format!("\n{docs}export {}\n", <$ty as TS>::decl(&config)));
        )* };
    }
    declare!(Answer AttentionInfo AttentionWanted BenchOptions Completion DeviceChoice Entity ErrorCode EverythingOptions
        Figures Filled Finish Flavour FoundMask Generated Label LoadedInfo Mask MaskPrompt MaskRuns Message NamedTensor
        NamedFile Opened Outcome Outlines OutputTensor PassFigures Pixels Progress PromptPoint RandomModel ReadRequest
        ReadResult ReaderInfo ReaderTask Reply Request RunCost RunsOn Sampling SeerInfo Source Step StepName StepReason
        Surroundings Task Token TrainRecord Trial ViewerInfo WordsWanted Writing);
    text.replace(" \n", "\n")
}

/// `UPDATE=1 cargo test -p dynasty-wasm` writes it anew.
#[test]
fn the_committed_types_are_these() {
    let made = typescript();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(FILE, &made).unwrap();
    }
    let committed = std::fs::read_to_string(FILE).unwrap();
    assert!(committed == made, "{FILE} is stale: run the tests of this package with UPDATE=1");
}
