//! `dynasty serve`: the site, the models of a folder and the OpenAI API for them, on loopback only.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use axum::Router;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::args::Serve;
use crate::failure::Failure;
use crate::{models_list, openai};

pub fn run(args: Serve) -> Result<(), Failure> {
    let site = find_site(args.site.as_deref())?;
    if let Some(models) = args.models.as_deref().filter(|m| !m.is_dir()) {
        return Err(Failure::file(models, "is no folder"));
    }
    let api = args.models.clone().map(|models| openai::routes(models, args.device)).transpose()?;
    let app = app(&site, args.models, api.unwrap_or_default(), !args.no_isolation);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_io().build();
    let runtime = runtime.map_err(|error| Failure(format!("cannot start: {error}")))?;
    runtime.block_on(listen(app, args.port))
}

async fn listen(app: Router, port: u16) -> Result<(), Failure> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let fail = |error: std::io::Error| Failure(format!("{address}: {error}"));
    let listener = tokio::net::TcpListener::bind(address).await.map_err(fail)?;
    println!("http://{}/", listener.local_addr().map_err(fail)?);
    axum::serve(listener, app).await.map_err(fail)
}

fn app(site: &Path, models: Option<PathBuf>, api: Router, isolated: bool) -> Router {
    let (listed, own) = (models.clone(), site.join("models.json"));
    let list = move || async move {
        let entries = tokio::task::spawn_blocking(move || models_list::offered(listed.as_deref(), &own));
        entries.await.map(axum::Json).map_err(|error| error.to_string()).into_response()
    };
    let mut app = api.route("/models.json", get(list));
    if let Some(models) = models {
        app = app.nest_service("/models", ServeDir::new(models));
    }
    app = app.fallback_service(ServeDir::new(site)).layer(fixed(header::CACHE_CONTROL, "no-cache"));
    if isolated {
        app = app
            .layer(fixed(HeaderName::from_static("cross-origin-opener-policy"), "same-origin"))
            .layer(fixed(HeaderName::from_static("cross-origin-embedder-policy"), "require-corp"))
            .layer(fixed(HeaderName::from_static("cross-origin-resource-policy"), "same-origin"));
    }
    app
}

fn fixed(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value))
}

/// The site: as given, or where the build leaves it, looked for above this folder and above the program.
fn find_site(given: Option<&Path>) -> Result<PathBuf, Failure> {
    if let Some(site) = given {
        return if site.is_dir() { Ok(site.into()) } else { Err(Failure::file(site, "is no folder")) };
    }
    let starts = [std::env::current_dir().ok(), std::env::current_exe().ok()];
    let above = starts.iter().flatten().flat_map(|start| start.ancestors().map(|a| a.join("web/dist")));
    let built = above.into_iter().find(|site| site.join("chat.html").is_file());
    built.ok_or_else(|| Failure("the site is not built; run `cargo xtask build`, or name it with --site".into()))
}
