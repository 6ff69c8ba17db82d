//! `linli`: the server and what its operator needs.

use std::io::Write;
use std::path::PathBuf;

use api::audit_command::{self, AuditCommand};
use api::config::{Config, HELP};
use api::health_command::{self, Health};
use api::{domains, log, rekey_command, sender, serve, server};
use chrono::TimeDelta;
use clap::{Args, Parser, Subcommand};
use kernel::page::MAX_LIMIT;
use kernel::text::{Line, Name};
use kernel::{AreaCode, Error, Expected, Paging, Result, Role, Tx, View};
use platform::account::{self, AccountFilter, Act, NewAccount, UserName};
use platform::api_key::{self, ApiKeyFilter, NewApiKey};
use platform::audit::seal;
use platform::event::epoch;
use platform::password::{self, Passwords};
use platform::role_grant::{self, NewRoleGrant};
use platform::{migrate, signing_key};
use uuid::Uuid;

/// An answer is many small allocations; this allocator gives and takes them for less than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
    /// Serve the API until SIGINT or SIGTERM; requests in hand are finished first, a second signal ends it at once.
    ///
    /// Prints one line with its address when it listens. Until it meets a database that was migrated to this version,
    /// it answers 503.
    #[command(after_long_help = HELP)]
    Serve,
    /// Ask a server on this machine whether it lives, or is ready; the exit code says it too.
    ///
    /// Asks at HOST and PORT of the same configuration. For containers and scripts.
    Health(Health),
    /// Bring the database to the form that this version needs.
    ///
    /// Safe to run at any time and from several replicas at once; data stays. Prints the migrations that ran.
    Migrate,
    /// Tell Linli that this database was restored from a backup; run it before it is served again.
    ///
    /// A restore may turn back what readers of the event feed have already seen, and with it the ids of transactions.
    /// Their cursors are refused from now on, with the advice to read everything anew. Webhooks go on by themselves.
    Restored,
    /// Print the OpenAPI document, the list of operations, the page of roles or that of workflows.
    ///
    /// Needs no database. `make openapi` writes the files of the folder openapi/, docs/ROLES.md and docs/WORKFLOWS.md with it.
    Openapi {
        /// Print `operationId METHOD path`, a line each, instead.
        #[arg(long)]
        operations: bool,
        /// Print the page of roles and permissions instead.
        #[arg(long, conflicts_with = "operations")]
        roles: bool,
        /// Print the page of workflows instead.
        #[arg(long, conflicts_with_all = ["operations", "roles"])]
        workflows: bool,
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
    /// Make the first accounts of staff, and help where nobody can log in any more.
    #[command(subcommand)]
    Account(Account),
    /// Print a new SECRET_KEY.
    ///
    /// Keep it where the database is not: it opens what is sealed there. To exchange it, put the present one into
    /// FORMER_SECRET_KEYS and the new one into SECRET_KEY, and restart the replicas one after the other.
    Secret,
    /// Seal anew, under SECRET_KEY and FIELD_CIPHER, everything that lies sealed under a former key or another algorithm.
    ///
    /// Run it when every replica has the new key. It works in small transactions beside the running server, may be stopped
    /// at any moment and run again, and prints what it did. When it says that nothing is left, the former key can go from
    /// FORMER_SECRET_KEYS.
    Rekey,
    /// Exchange the key that signs access tokens; it is also exchanged by itself, every thirty days.
    ///
    /// The new key signs in an hour, when every replica and every client knows it; tokens in use stay good.
    RotateSigningKey {
        /// After a theft: forget all other keys, so that every access token in use is refused at once.
        #[arg(long)]
        at_once: bool,
    },
    /// Verify the audit log, and print what to keep of it elsewhere.
    #[command(subcommand)]
    Audit(AuditCommand),
}

#[derive(Subcommand)]
enum Account {
    /// Make an account, give it a role, and print its temporary password; it cannot be read again.
    Create {
        /// What the person will type to log in: small letters, digits, `.`, `_`, `-`.
        #[arg(long)]
        user_name: String,
        /// Name of the person.
        #[arg(long)]
        name: String,
        /// The role; an administrator gives the others theirs. GET /v1/roles lists what each permits.
        #[arg(long, default_value = "system_admin")]
        role: String,
        /// Where it holds, with all below it; the whole city unless given.
        #[arg(long, value_name = "CODE")]
        area: Option<AreaCode>,
        /// For how many days.
        #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=3660))]
        days: u32,
    },
    /// Print a new temporary password for an account, unlock it, enable it and take its second factor off.
    Rescue {
        /// The user name.
        user_name: String,
    },
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
    /// How many times the size of Macheng: 1 has 17 communities, 255 grids, 1,512 buildings, 98,400 households, 25,000 people.
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
    log::start();
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
        Command::Serve => serve::serve(&config()?, say).await,
        // It has exit codes of its own, so `main` took it.
        Command::Import(_) => Ok(()),
        Command::Health(health) => health_command::ask(&health, &config()?, say).await,
        Command::Migrate => {
            let ran = migrate::run(&config()?.database_url)?;
            ran.iter().try_for_each(|name| say(name))
        }
        Command::Restored => {
            let config = config()?;
            let call = server::operator(&config, "linli restored");
            let database = config.store()?;
            let restore = database.write(&call, "event_epoch.begin", epoch::begin).await?;
            // What was restored is sealed to its end, before this cluster adds to it.
            while database.write(&call, "journal.seal", seal::seal).await?.is_some() {}
            say(&format!("epoch {} begins after line {} of the journal; cursors of before are refused", restore.number, restore.last_seq))
        }
        Command::Openapi { roles: true, .. } => say(domains::roles_page().trim_end()),
        Command::Openapi { workflows: true, .. } => say(domains::workflows_page().trim_end()),
        Command::Openapi { operations, .. } => {
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
            let said = match demo::load(&config.store()?, &server::operator(&config, "linli demo"), city.scale, city.seed).await? {
                Some(loaded) => loaded.join("\n"),
                None => "the database holds areas already; it is left as it is".to_owned(),
            };
            say(&said)
        }
        Command::Key(command) => key(&config, command).await,
        Command::Account(command) => account(&config()?, command).await,
        Command::Secret => say(&kernel::cipher::fresh_key()?),
        Command::Rekey => rekey_command::run(&config()?, say).await,
        Command::RotateSigningKey { at_once } => {
            let config = config()?;
            let (call, cipher) = (server::operator(&config, "linli rotate-signing-key"), config.cipher()?);
            let key = config.store()?.write(&call, "signing_key.rotate", async |tx| signing_key::rotate(tx, &cipher, at_once).await).await?;
            say(&key.id.to_string())
        }
        Command::Audit(command) => {
            let config = config()?;
            audit_command::run(command, &config.store()?, &server::operator(&config, "linli audit"), say).await
        }
    }
}

async fn key(config: impl Fn() -> Result<Config>, command: Key) -> Result<()> {
    match command {
        Key::Create { name, permission, area, days } => {
            let config = config()?;
            let call = server::operator(&config, "linli key");
            let area_code = area.unwrap_or_else(|| config.city_code.clone());
            let new = NewApiKey { name: Name::parse(&name)?, permissions: permission, area_code, days: i32::try_from(days).unwrap_or(i32::MAX) };
            let known: Vec<&str> = domains::permissions().map(|(name, ..)| name).collect();
            let (_, key) = config.store()?.write(&call, "api_key.create", async |tx| api_key::create(tx, &known, &new).await).await?;
            say(&key)
        }
        Key::List => {
            let config = config()?;
            let everything = Paging::new(Some(MAX_LIMIT), None, false, None, &[]);
            let filter = ApiKeyFilter { ever: Some(true), ..ApiKeyFilter::default() };
            let list = async |view: &View<'_>| api_key::list(view, &filter, &everything).await;
            let keys = config.store()?.browse(&server::operator(&config, "linli key"), list).await?.items;
            keys.iter().try_for_each(|key| say(&serde_json::to_string(key).map_err(|error| Error::Internal(error.to_string()))?))
        }
        Key::Revoke { id } => {
            let config = config()?;
            let call = server::operator(&config, "linli key");
            let reason = Line::parse("linli key revoke")?;
            config.store()?.write(&call, "api_key.revoke", async |tx| api_key::revoke(tx, id.into(), Expected::Any, &reason).await).await?;
            say("revoked")
        }
        Key::Permissions => domains::permissions().try_for_each(|(name, zh, en)| say(&format!("{name:<20} {zh} · {en}"))),
    }
}

async fn account(config: &Config, command: Account) -> Result<()> {
    let call = server::operator(config, "linli account");
    let store = config.store()?;
    let temporary = password::temporary()?;
    let hash = Passwords::default().hash(&temporary).await?;
    match command {
        Account::Create { user_name, name, role, area, days } => {
            let role = Role::ALL.iter().copied().find(|known| known.word() == role);
            let role = role.ok_or_else(|| {
                Error::Internal(format!("there is no such role; there are: {}", Role::ALL.iter().map(|role| role.word()).collect::<Vec<_>>().join(", ")))
            })?;
            let area_code = area.unwrap_or_else(|| config.city_code.clone());
            let new = NewAccount { user_name: UserName::parse(&user_name)?, name: Name::parse(&name)?, area_code, profile: None };
            let valid_to = call.today() + TimeDelta::days(i64::from(days));
            let create = async |tx: &Tx<'_>| {
                let made = account::create(tx, &new, config.password_profile, &hash).await?;
                let grant = NewRoleGrant { account_id: made.id, role, area_code: new.area_code.clone(), valid_from: None, valid_to };
                role_grant::create(tx, &domains::powers(), &grant).await
            };
            store.write(&call, "account.create", create).await?;
        }
        Account::Rescue { user_name } => {
            let reason = Line::parse("linli account rescue")?;
            let filter = AccountFilter { user_name: Some(UserName::parse(&user_name)?), ..AccountFilter::default() };
            let one = Paging::new(Some(1), None, false, None, &[]);
            let rescue = async |tx: &Tx<'_>| {
                let found = account::list(tx, &filter, &one).await?.items.pop().ok_or(&account::UNKNOWN)?;
                for act in [Act::Enable, Act::ResetSecondFactor] {
                    account::intervene(tx, &domains::powers(), found.id, Expected::Any, act, &reason).await?;
                }
                account::reset_password(tx, &domains::powers(), found.id, Expected::Any, &hash, &reason).await
            };
            store.write(&call, "account.rescue", rescue).await?;
        }
    }
    say(&temporary)
}

fn say(text: &str) -> Result<()> {
    writeln!(std::io::stdout(), "{text}").map_err(|error| Error::Internal(error.to_string()))
}
