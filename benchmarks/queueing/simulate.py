"""Applications through a network of offices beside simpy, in one run: the same applications, the same sojourns, and how much faster.

python benchmarks/queueing/simulate.py

Six steps with two parallel branches in three offices at 70 to 85 % load. Ours: 40 replications of 2,000 applications, before and after a change (a whole
answer to "what would a second clerk save"). simpy: one of the 80 replications, times 80.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import simpy

sys.path.insert(0, str(Path(__file__).parents[2] / "src"))
sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.science.queueing.test_networks import by_simpy, straight  # the oracle of the tests is the peer here

from tongchou.science.queueing.comparing import QueueingParams, compare_networks
from tongchou.science.queueing.network import OfficeNetwork
from tongchou.science.queueing.service import ServiceTime

PROMISED = 30.0
NETWORK = OfficeNetwork(((), (0,), (0,), (0,), (1,), (2, 3, 4)), (0, 1, 1, 2, 2, 0), (1, 2, 1))
SERVICES = [ServiceTime("gamma", (2.0, mean / 2)) for mean in (0.4, 0.8, 0.7, 0.35, 0.4, 0.35)]


def main() -> None:
    params = QueueingParams()
    compare_networks(NETWORK, NETWORK.with_clerks(2, 2), SERVICES, [1.0], seed=0, params=QueueingParams(jobs=10, replications=2))
    started = time.process_time()
    found = compare_networks(NETWORK, NETWORK.with_clerks(2, 2), SERVICES, [1.0], seed=1, params=params)
    ours = time.process_time() - started
    random = np.random.default_rng(1)
    arrival = np.cumsum(random.exponential(1.0, params.jobs))
    kind = np.zeros(params.jobs, np.int64)
    work = np.column_stack([service.quantile(random.random(params.jobs)) for service in SERVICES])
    started = time.process_time()
    theirs = by_simpy(NETWORK, arrival, kind, work)
    once = time.process_time() - started
    apart = np.abs(theirs - straight(NETWORK, arrival, kind, work)).max()
    assert apart < 1e-6, apart
    whole, saving = once * 2 * params.replications, found.overall
    print(f"a second clerk saves {saving.saved_days:.2f} working days of {saving.before_days:.2f} [{saving.low:.2f}, {saving.high:.2f}]")
    print(
        f"ours {ours:.2f} s; simpy {simpy.__version__} {once:.2f} s for one of 80, {whole:.0f} s for all: {whole / ours:.0f} times; sojourns apart by {apart:.1e}"
    )
    figure = {
        "promise": {
            "zh": f"审批流程改动能省几天（6 个环节，80 次 × 2000 件）：至少是 simpy 的 {PROMISED:.0f} 倍快，逐件相同",
            "en": f"what a change of a procedure saves (6 steps, 80 x 2,000 applications): at least {PROMISED:.0f} times as fast as simpy, each application the same",
        },
        "measured": f"{ours:.2f} s",
        "peer": {"zh": f"simpy {whole:.0f} s，{whole / ours:.0f} 倍", "en": f"simpy {whole:.0f} s, {whole / ours:.0f} times"},
        "kept": bool(whole / ours >= PROMISED),
    }
    print("figures: " + json.dumps([figure], ensure_ascii=False))


if __name__ == "__main__":
    main()
