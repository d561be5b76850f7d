//! `dynasty forward`

use std::io::Write;
use std::rc::Rc;

use format::{AtomicFile, Checkpoint, FileBytes};
use run::{ForwardInputs, Show};

use crate::args::Forward;
use crate::failure::Failure;
use crate::source;

pub async fn run(args: Forward) -> Result<(), Failure> {
    let package = source::package(&args.model).await?;
    let file = Checkpoint::safetensors(vec![Rc::new(FileBytes::open(&args.inputs)?)]).await?;
    let inputs = ForwardInputs::read(&file).await?;
    inputs.check(&package.model)?;
    let show = Show { attentions: args.attentions, hidden_states: args.hidden_states };
    let model = source::load_package(package, &args.model.device).await?;
    let named = |error: run::Error| Failure::file(&args.inputs, error);
    let fields = model.forward(&inputs, show).await.map_err(named)?;
    let bytes = format::write_safetensors(&fields)?;
    let mut out = AtomicFile::create(&args.outputs)?;
    out.write_all(&bytes).map_err(|error| Failure::file(&args.outputs, error))?;
    Ok(out.commit()?)
}
