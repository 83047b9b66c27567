"""What a backend without aggregations does: fetch the rows and add them up, in Python or in JavaScript."""

import json
import shutil
import subprocess
from collections import defaultdict
from typing import Any

import psycopg

COLUMNS = "granted_by, status, price, modules_completed"
SCRIPT = """
const [url, token, page, runs] = process.argv.slice(1);
const columns = 'granted_by,status,price,modules_completed';
async function fetched() {
    const rows = [];
    for (let first = 0; ; first += Number(page)) {
        const part = Number(page) ? `&order=id&limit=${page}&offset=${first}` : '';
        const answer = await fetch(`${url}/tripwire_users?select=${columns}${part}`, { headers: { Authorization: `Bearer ${token}` } });
        if (!answer.ok) throw new Error(await answer.text());
        const some = await answer.json();
        for (const row of some) rows.push(row);
        if (!Number(page) || some.length < Number(page)) return rows;
    }
}
async function leaderboard() {
    const sums = new Map();
    for (const row of await fetched()) {
        let entry = sums.get(row.granted_by);
        if (!entry) sums.set(row.granted_by, entry = [0, 0, 0, 0, 0]);
        entry[0] += 1;
        entry[1] += row.status === 'active';
        entry[2] += row.status === 'completed';
        entry[3] += row.price;
        entry[4] += row.modules_completed;
    }
    const ranked = [...sums].sort(([a, x], [b, y]) => y[0] - x[0] || y[3] - x[3] || (a < b ? -1 : 1));
    return ranked.slice(0, 10).map(([id, entry]) => [id, ...entry]);
}
const times = [];
let board;
for (let run = 0; run < Number(runs); run += 1) {
    const began = performance.now();
    board = await leaderboard();
    times.push(performance.now() - began);
}
console.log(JSON.stringify({ times, board }));
"""


def by_python(connection: psycopg.Connection[Any]) -> list[tuple[Any, ...]]:
    """The leaderboard's ten, from the rows that psycopg fetches."""
    sums: dict[Any, list[Any]] = defaultdict(lambda: [0, 0, 0, 0, 0])
    for manager_id, status, price, modules in connection.execute(f"SELECT {COLUMNS} FROM public.tripwire_users"):
        entry = sums[manager_id]
        entry[0] += 1
        entry[1] += status == "active"
        entry[2] += status == "completed"
        entry[3] += price
        entry[4] += modules
    ranked = sorted(sums.items(), key=lambda item: (-item[1][0], -item[1][3], item[0]))
    return [(manager_id, *entry) for manager_id, entry in ranked[:10]]


def by_javascript(url: str, token: str, *, page: int, runs: int) -> tuple[list[float], list[list[Any]]] | None:
    """The times and the leaderboard's ten, from the rows that PostgREST gives node: all at once, or in pages.

    None where there is no node.
    """
    node = shutil.which("node")
    if node is None:
        return None
    command = [node, "--input-type=module", "-e", SCRIPT, url, token, str(page), str(runs)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
    if done.returncode != 0:
        raise RuntimeError(f"node: {done.stderr.strip()[-300:]}")
    found = json.loads(done.stdout)
    return found["times"], found["board"]
