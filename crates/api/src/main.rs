//! `linli`: the server and what its operator needs.

use std::io::Write;
use std::path::PathBuf;

use api::config::{Config, HELP};
use api::{domains, sender, server};
use chrono::TimeDelta;
use clap::{Args, Parser, Subcommand};
use kernel::db::Store;
use kernel::text::Name;
use kernel::{AreaCode, Error, Result};
use platform::{api_key, migrate};
use tracing_subscriber::EnvFilter;
use uuid::Uuid;

/// Linli (邻里): the backend on which a city runs the governance of its residential compounds.
#[derive(Parser)]
#[command(name = "linli", version, after_long_help = HELP)]
struct Cli {
    /// A TOML file with configuration.
    #[arg(long, global = true, env = "LINLI_CONFIG", value_name = "FILE")]
    config: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the API until SIGINT or SIGTERM; requests in hand are finished first.
    ///
    /// Prints one line with its address when it is ready. The database must have been migrated.
    #[command(after_long_help = HELP)]
    Serve,
    /// Bring the database to the form that this version needs.
    ///
    /// Safe to run at any time and from several replicas at once; data stays. Prints the migrations that ran.
    Migrate,
    /// Print the OpenAPI document, or the list of operations.
    ///
    /// Needs no database. `make openapi` writes both files of the folder openapi/ with it.
    Openapi {
        /// Print `operationId METHOD path`, a line each, instead.
        #[arg(long)]
        operations: bool,
    },
    /// Send files to a server and import them.
    ///
    /// Needs no database, only a server and a key.
    #[command(after_help = sender::HELP)]
    Import(sender::Sending),
    /// Write or load a synthetic city, the same for the same scale and seed.
    ///
    /// No code or number in it belongs to a real household; subdistricts are those of Macheng.
    #[command(subcommand)]
    Demo(Demo),
    /// Make, list and revoke the API keys of machine clients.
    #[command(subcommand)]
    Key(Key),
}

#[derive(Subcommand)]
enum Demo {
    /// Write the city as import files, one a resource, numbered in the order in which to import them.
    Write {
        /// The folder to write them to; made if it is not there.
        folder: PathBuf,
        #[command(flatten)]
        city: City,
    },
    /// Load the city into an empty database, through the import code itself.
    ///
    /// A database that holds any area is left as it is.
    Load {
        #[command(flatten)]
        city: City,
    },
}

#[derive(Args)]
struct City {
    /// How many times the size of Macheng: 1 has 17 communities, 255 grids, 1,512 buildings, 98,400 households.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=30))]
    scale: u32,
    /// Which of the many cities of that size.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Subcommand)]
enum Key {
    /// Make a key and print it; it cannot be read again.
    Create {
        /// Who will use it.
        #[arg(long)]
        name: String,
        /// What it permits: a permission such as grid.write, several of them, or * for all. `linli key permissions` lists them.
        #[arg(long, num_args = 1.., required = true, value_name = "PERMISSION")]
        permission: Vec<String>,
        /// The area that it reaches, with all below it; the whole city unless given.
        #[arg(long, value_name = "CODE")]
        area: Option<AreaCode>,
        /// For how many days it is valid.
        #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=3660))]
        days: u32,
    },
    /// List all keys: name, permissions, area, expiry; not the keys themselves.
    List,
    /// Revoke a key; within a second no replica takes it any more.
    Revoke {
        /// The id that `linli key list` shows.
        id: Uuid,
    },
    /// List the permissions that a key can hold.
    Permissions,
}

#[actix_web::main]
async fn main() -> std::process::ExitCode {
    let cli = Cli::parse();
    log();
    if let Command::Import(sending) = cli.command {
        return sender::send(sending).await;
    }
    match run(cli).await {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            drop(writeln!(std::io::stderr(), "linli: {error}"));
            std::process::ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> Result<()> {
    let config = || Config::load(cli.config.as_deref());
    match cli.command {
        Command::Serve => {
            let config = config()?;
            let (server, port) = server::start(&config, store(&config)?).await?;
            say(&format!("linli serves http://{}:{port}, documented at http://{}:{port}/docs/", config.host, config.host))?;
            server.await.map_err(|error| Error::Internal(error.to_string()))
        }
        // It has exit codes of its own, so `main` took it.
        Command::Import(_) => Ok(()),
        Command::Migrate => {
            let ran = migrate::run(&config()?.database_url)?;
            ran.iter().try_for_each(|name| say(name))
        }
        Command::Openapi { operations } => {
            let contract = server::contract();
            let text = serde_json::to_string_pretty(contract.document()).map_err(|error| Error::Internal(error.to_string()))?;
            say(if operations { contract.operations_text().trim_end().to_owned() } else { text }.as_str())
        }
        Command::Demo(Demo::Write { folder, city }) => {
            demo::write(&folder, city.scale, city.seed)?;
            say(&format!("written to {}", folder.display()))
        }
        Command::Demo(Demo::Load { city }) => {
            let config = config()?;
            let said = match demo::load(&store(&config)?, &server::operator(&config, "linli demo"), city.scale, city.seed).await? {
                Some(loaded) => loaded.join("\n"),
                None => "the database holds areas already; it is left as it is".to_owned(),
            };
            say(&said)
        }
        Command::Key(command) => key(&config, command).await,
    }
}

async fn key(config: impl Fn() -> Result<Config>, command: Key) -> Result<()> {
    match command {
        Key::Create { name, permission, area, days } => {
            if let Some(unknown) = permission.iter().find(|name| *name != "*" && !domains::permissions().any(|(known, ..)| known == *name)) {
                return Err(Error::Internal(format!("there is no permission {unknown}; see linli key permissions")));
            }
            let config = config()?;
            let name = Name::parse(&name)?;
            let call = server::operator(&config, "linli key");
            let area = area.unwrap_or_else(|| config.city_code.clone());
            let expires_at = call.now + TimeDelta::days(i64::from(days));
            let (_, key) = store(&config)?.write(&call, "api_key.create", async |tx| api_key::create(tx, &name, &permission, &area, expires_at).await).await?;
            say(&key)
        }
        Key::List => {
            let config = config()?;
            let keys = store(&config)?.browse(&server::operator(&config, "linli key"), api_key::list).await?;
            keys.iter().try_for_each(|key| say(&serde_json::to_string(key).map_err(|error| Error::Internal(error.to_string()))?))
        }
        Key::Revoke { id } => {
            let config = config()?;
            let call = server::operator(&config, "linli key");
            let revoked = store(&config)?.write(&call, "api_key.revoke", async |tx| api_key::revoke(tx, id.into()).await).await?;
            if revoked { say("revoked") } else { Err(Error::Internal(format!("there is no key {id} in force"))) }
        }
        Key::Permissions => domains::permissions().try_for_each(|(name, zh, en)| say(&format!("{name:<20} {zh} · {en}"))),
    }
}

fn store(config: &Config) -> Result<Store> {
    Store::new(&config.connection_url(), config.database_pool)
}

fn say(text: &str) -> Result<()> {
    writeln!(std::io::stdout(), "{text}").map_err(|error| Error::Internal(error.to_string()))
}

/// One line an event on standard error: JSON for machines, text where a person looks on.
fn log() {
    let filter = std::env::var("LOG").ok().and_then(|filter| EnvFilter::try_new(filter).ok()).unwrap_or_else(|| EnvFilter::new("info"));
    let text = match std::env::var("LOG_FORMAT").as_deref() {
        Ok("json") => false,
        Ok("text") => true,
        _ => std::io::IsTerminal::is_terminal(&std::io::stderr()),
    };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if text { builder.with_target(false).init() } else { builder.json().flatten_event(true).init() }
}
