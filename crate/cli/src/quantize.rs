//! `dynasty quantize`

use std::path::Path;

use format::gguf::Writer;
use run::{Package, Planned};

use crate::args::Quantize;
use crate::failure::Failure;
use crate::source;

pub async fn run(args: Quantize) -> Result<(), Failure> {
    let ty = source::quant_type(&args.ty)?;
    let package = Package::open(source::open(&args.model)?).await?;
    write(&package, &run::quantize_plan(&package, ty)?, &args.out).await
}

/// Writes a package as one file, and says what fell back to a finer type.
pub async fn write(package: &Package, planned: &[Planned], out: &Path) -> Result<(), Failure> {
    for p in planned.iter() {
        if let Some(wanted) = p.instead_of {
            println!("{}: {} instead of {wanted}, its rows do not divide into blocks", p.name, p.ty);
        }
    }
    let bar = source::bytes_bar("writing");
    let begin = |metadata: &_, tensors: &[_]| Writer::create(out, metadata, tensors);
    let written = run::quantize(package, planned, begin, &mut |progress| source::show_bytes(&bar, progress)).await;
    bar.finish_and_clear();
    written?.commit()?;
    Ok(())
}
