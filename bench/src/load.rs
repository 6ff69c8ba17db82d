//! Load: wrk for HTTP, pgbench for statements, and what they counted.

use tokio::process::Command;

use crate::Failed;
use crate::report::median;
use crate::stage::{Stage, run};

/// What a load generator counted.
#[derive(Clone, Copy, Debug)]
pub struct Counted {
    /// Requests or transactions a second.
    pub rate: f64,
    /// 99 of 100 took at most so many milliseconds; none of pgbench.
    pub p99: f64,
}

/// How wrk makes its requests: the same for both sides, but for their paths.
const SCRIPT: &str = r#"
local ids = {}
for id in io.lines(os.getenv("BENCH_IDS")) do ids[#ids + 1] = id end
local path, method, body, key = os.getenv("BENCH_PATH"), os.getenv("BENCH_METHOD"), os.getenv("BENCH_BODY"), os.getenv("BENCH_KEY")
local headers = {}
if key ~= "" then headers["Authorization"] = "Bearer " .. key end
if body ~= "" then headers["Content-Type"] = "application/json"; headers["If-Match"] = "*" end
request = function()
    local sent = body ~= "" and string.gsub(body, "N", tostring(math.random(1, 9))) or nil
    return wrk.format(method, (string.gsub(path, "ID", ids[math.random(#ids)])), headers, sent)
end
response = function(status) if status ~= 200 then bad = (bad or 0) + 1 end end
init = function() math.randomseed(7) end
local threads = {}
setup = function(thread) threads[#threads + 1] = thread end
done = function()
    local refused = 0
    for _, thread in ipairs(threads) do refused = refused + (thread:get("bad") or 0) end
    io.write("refused " .. refused .. "\n")
end
"#;

/// Requests of one kind.
pub struct Requests<'a> {
    /// Where.
    pub port: u16,
    /// `GET` or `PATCH`.
    pub method: &'a str,
    /// The path, with `ID` for one of the ids.
    pub path: &'a str,
    /// The body, with `N` for a number; empty for none.
    pub body: &'a str,
    /// The key or token; empty for none.
    pub key: &'a str,
    /// A file of ids, one a line.
    pub ids: &'a str,
    /// How many at a time.
    pub connections: u32,
    /// For how long.
    pub seconds: u32,
}

impl Requests<'_> {
    /// Sends them. Fails where a single one was refused: that would be fast.
    pub async fn send(&self) -> Result<Counted, Failed> {
        std::fs::write(".data/bench/wrk.lua", SCRIPT)?;
        let mut wrk = Command::new("wrk");
        wrk.args(["-t2", "--latency", "--timeout", "10s", "-s", ".data/bench/wrk.lua"])
            .arg(format!("-c{}", self.connections))
            .arg(format!("-d{}", self.seconds));
        wrk.env("BENCH_IDS", self.ids).env("BENCH_PATH", self.path).env("BENCH_METHOD", self.method).env("BENCH_BODY", self.body).env("BENCH_KEY", self.key);
        let said = run(wrk.arg(format!("http://127.0.0.1:{}/", self.port))).await?;
        let word =
            |begin: &str, index: usize| said.lines().find(|line| line.trim_start().starts_with(begin)).and_then(|line| line.split_whitespace().nth(index));
        let rate = word("Requests/sec:", 1).and_then(|number| number.parse().ok());
        let p99 = word("99%", 1).and_then(milliseconds);
        if word("refused", 1) != Some("0") || said.contains("Socket errors") {
            return Err(Failed(format!("requests failed: {said}")));
        }
        match (rate, p99) {
            (Some(rate), Some(p99)) => Ok(Counted { rate, p99 }),
            _ => Err(Failed(format!("wrk said: {said}"))),
        }
    }
}

fn milliseconds(text: &str) -> Option<f64> {
    let (number, factor) = match text {
        text if text.ends_with("us") => (text.strip_suffix("us")?, 0.001),
        text if text.ends_with("ms") => (text.strip_suffix("ms")?, 1.0),
        text => (text.strip_suffix('s')?, 1000.0),
    };
    Some(number.parse::<f64>().ok()? * factor)
}

/// The statements of a PATCH of one household, as one transaction of pgbench.
fn transaction(id: &str) -> String {
    const COLUMNS: &str = "id, code, building_code, grid_code, area_code, name, residents, valid_from, valid_to, source, ref, version, created_at, updated_at";
    format!(
        "\\set n random(1, 9)\nbegin;\n\
         select {COLUMNS} from household where id = '{id}' and area_code >= '421181' and area_code < '421181~' for update;\n\
         update household set residents = :n, version = version + 1, updated_at = now() where id = '{id}' returning {COLUMNS};\n\
         insert into journal (actor_id, actor_name, request_id, action, object_kind, object_id, area_code, version, change) \
         values ('{id}', 'pgbench', 'pgbench', 'household.changed', 'household', '{id}', '421181001001001', 2, '{{\"residents\": {{\"from\": 1, \"to\": 2}}}}');\n\
         commit;\n"
    )
}

/// Runs the transaction on these households.
pub async fn pgbench(stage: &Stage, database: &str, ids: &[&str], clients: u32, seconds: u32) -> Result<Counted, Failed> {
    let scripts: Vec<String> = ids.iter().map(|id| transaction(id)).collect();
    statements(stage, database, &scripts, clients, seconds).await
}

/// Runs these scripts in turn.
pub async fn statements(stage: &Stage, database: &str, scripts: &[String], clients: u32, seconds: u32) -> Result<Counted, Failed> {
    let mut pgbench = Command::new("pgbench");
    pgbench.args(["-n", "-M", "prepared", "-j", "2"]).arg(format!("-c{clients}")).arg(format!("-T{seconds}"));
    for (number, script) in scripts.iter().enumerate() {
        let file = format!(".data/bench/pgbench-{number}.sql");
        std::fs::write(&file, script)?;
        pgbench.args(["-f", &file]);
    }
    let said = run(pgbench.arg(stage.url(database))).await?;
    let rate = said.lines().find(|line| line.starts_with("tps = ")).and_then(|line| line.split_whitespace().nth(2)?.parse().ok());
    rate.map(|rate| Counted { rate, p99: 0.0 }).ok_or_else(|| Failed(format!("pgbench said: {said}")))
}

/// The middle of the ratios of the rates.
pub fn ratio(measured: &[(Counted, Counted)]) -> f64 {
    median(measured.iter().map(|(ours, theirs)| ours.rate / theirs.rate))
}
