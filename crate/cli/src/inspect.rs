//! `dynasty inspect`

use graph::{Symbols, Taps};
use models::{Call, Head};
use run::Package;
use serde_json::json;

use crate::args::Inspect;
use crate::failure::Failure;
use crate::source;

pub async fn run(args: Inspect) -> Result<(), Failure> {
    let package = Package::open(source::open(&args.model)?).await?;
    let graph = package.model.build(&Call::step(Head::Logits), Taps::none()).map_err(run::Error::from)?;
    package.find(&graph)?;
    let parameters: usize = graph.weights.iter().map(|w| w.shape.iter().product::<usize>()).sum();
    let one_token = Symbols::new().with('B', 1).with('T', 1).with('P', 0).with('R', 1).with('S', 1);
    let cost = graph.total_cost(&one_token).map_err(run::Error::from)?;
    let checkpoint = package.checkpoint();
    if args.json {
        let tensors: Vec<_> = checkpoint
            .tensors()
            .map(|t| json!({"name": t.name, "shape": t.shape, "type": t.dtype.name(), "bytes": t.bytes}))
            .collect();
        let head = json!({
            "name": package.name(), "family": package.model.family(), "parameters": parameters,
            "weight_bytes": checkpoint.weight_bytes(), "context": package.model.max_positions(),
            "flops_per_token": cost.flops, "config": package.config, "tensors": tensors,
        });
        println!("{head}");
        return Ok(());
    }
    println!("{}: {}, {parameters} parameters", package.name(), package.model.family());
    println!("{} bytes of weights, {} tensors", checkpoint.weight_bytes(), checkpoint.tensors().len());
    println!("context {}, {} flops a token", package.model.max_positions(), cost.flops);
    if args.tensors {
        for t in checkpoint.tensors() {
            println!("{:<6} {:>12} {:?} {}", t.dtype.name(), t.bytes, t.shape, t.name);
        }
    }
    if args.graph {
        print!("{graph}");
    }
    Ok(())
}
