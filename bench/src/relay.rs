//! A relay in front of Postgres, which counts how often somebody asked it something and waited for the answer.

use std::cell::Cell;
use std::path::PathBuf;
use std::rc::Rc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};

use crate::Failed;

/// Bytes that are carried at a time.
const LOAD: usize = 1 << 16;

/// A relay, which ends with the process.
pub struct Relay {
    port: u16,
    trips: Rc<Cell<u32>>,
}

impl Relay {
    /// Listens on a port and carries each connection to this socket.
    pub async fn open(socket: PathBuf, port: u16) -> Result<Self, Failed> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let trips = Rc::new(Cell::new(0));
        let counted = Rc::clone(&trips);
        actix_web::rt::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                actix_web::rt::spawn(carry(client, socket.clone(), Rc::clone(&counted)));
            }
        });
        Ok(Self { port, trips })
    }

    /// The URL of a database behind it.
    pub fn url(&self, database: &str) -> String {
        format!("postgresql://linli@127.0.0.1:{}/{database}", self.port)
    }

    /// Round trips so far: whatever was sent without waiting, together with what came back, is one.
    pub fn trips(&self) -> u32 {
        self.trips.get()
    }
}

/// Carries one connection to its end.
async fn carry(mut client: TcpStream, socket: PathBuf, trips: Rc<Cell<u32>>) -> std::io::Result<()> {
    let mut server = UnixStream::connect(socket).await?;
    client.set_nodelay(true)?;
    let (mut asked, mut answered) = (vec![0; LOAD], vec![0; LOAD]);
    let mut waits = false;
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let bytes = asked.get(..read?).unwrap_or_default();
                if bytes.is_empty() {
                    return Ok(());
                }
                waits = true;
                server.write_all(bytes).await?;
            }
            read = server.read(&mut answered) => {
                let bytes = answered.get(..read?).unwrap_or_default();
                if bytes.is_empty() {
                    return Ok(());
                }
                if waits {
                    trips.set(trips.get() + 1);
                    waits = false;
                }
                client.write_all(bytes).await?;
            }
        }
    }
}
