//! `dynasty import`: Karpathy's llama2.c format, a header of seven integers and f32 tensors, with its tokenizer of
//! scored pieces, becomes one GGUF file with configuration and vocabulary inside.

use std::rc::Rc;

use format::FileBytes;
use run::Package;

use crate::args::Import;
use crate::failure::Failure;
use crate::{quantize, source};

pub async fn run(args: Import) -> Result<(), Failure> {
    let ty = source::quant_type(&args.ty)?;
    let model = Rc::new(FileBytes::open(&args.model)?);
    let package = Package::from_llama2c(model, &FileBytes::open(&args.tokenizer)?).await?;
    quantize::write(&package, &run::quantize_plan(&package, ty)?, &args.out).await
}
