//! `linli rekey`: everything sealed anew under the present key, column after column, batch after batch.

use std::time::Duration;

use kernel::Result;
use kernel::rekey;

use crate::config::Config;
use crate::{domains, server};

/// Pause before values that somebody else holds are tried again.
const PAUSE: Duration = Duration::from_millis(200);

/// Seals all columns anew; says what it did with each.
pub async fn run(config: &Config, say: impl Fn(&str) -> Result<()>) -> Result<()> {
    let (store, call) = (config.store()?, server::operator(config, "linli rekey"));
    for sealed in domains::sealed() {
        let mut done = 0;
        loop {
            let count = store.write(&call, "rekey", async |tx| rekey::batch(tx, sealed).await).await?;
            done += count;
            if count == 0 {
                if store.write(&call, "rekey", async |tx| rekey::left(tx, sealed).await).await? == 0 {
                    break;
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
        say(&format!("{:>9} sealed anew in {}.{}", done, sealed.table, sealed.column))?;
    }
    say("nothing is left under a former key")
}
