//! `dynasty lora`

use format::DirFolder;
use run::{Adapter, Package};

use crate::args::{Lora, LoraCommand, Merge};
use crate::failure::Failure;
use crate::{quantize, source};

pub async fn run(args: Lora) -> Result<(), Failure> {
    match args.command {
        LoraCommand::Merge(args) => {
            let adapter = Adapter::open(&DirFolder::new(&args.adapter)?).await?;
            write(args, adapter).await
        }
        LoraCommand::Unmerge(args) => {
            let adapter = Adapter::open(&DirFolder::new(&args.adapter)?).await?;
            write(args, adapter.negated()).await
        }
    }
}

async fn write(args: Merge, adapter: Adapter) -> Result<(), Failure> {
    let ty = source::quant_type(&args.ty)?;
    let package = Package::open(source::open(&args.model)?).await?.with_adapter(adapter).await?;
    quantize::write(&package, &run::merge_plan(&package, ty)?, &args.out).await
}
