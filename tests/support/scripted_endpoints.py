"""Endpoints that note each request in a history before they answer it as a seed decides."""

import random

from history import Arrival, read_body
from receiver import Answer, Close, Hang, Reset

GOOD_FROM = 4  # from this attempt on an endpoint that is not hopeless answers 200

# (weight, how it is called in the history, behaviour); a callable is given the random numbers.
ANSWERS = (
    (780, "200", Answer(200)),
    (40, "slow 200", lambda numbers: Answer(200, delay=numbers.uniform(0.05, 0.4))),
    (20, "204", Answer(204)),
    (60, "500", Answer(500, body=b"no luck")),
    (12, "404", Answer(404)),
    (6, "503", Answer(503, headers=(("Retry-After", "1"),))),
    (10, "400", Answer(400, body=b"never")),
    (25, "drop", Close()),
    (25, "drop", Reset()),
    (12, "hang", Hang()),
)
# Of the deliveries so many never succeed, but one at most of an endpoint: each failed attempt of
# them keeps its breaker open for twice as long as the one before.
HOPELESS = 0.01


def draw(seed):
    """draw(7) -> choose(number, path, attempt) -> (name, behaviour), always the same ones."""
    hopeless = {}  # path -> number

    def choose(number, path, attempt):
        is_candidate = random.Random(f"{seed}/{number}{path}").random() < HOPELESS
        if is_candidate and hopeless.setdefault(path, number) == number:
            return "500", Answer(500)
        if attempt >= GOOD_FROM:
            return "200", Answer(200)
        numbers = random.Random(f"{seed}/{number}{path}/{attempt}")
        weights = [weight for weight, _, _ in ANSWERS]
        ((_, name, behaviour),) = numbers.choices(ANSWERS, weights)
        return name, behaviour(numbers) if callable(behaviour) else behaviour

    return choose


def is_success(answer):
    return answer.endswith(("200", "204"))


def listen(receiver, history, choose, paths):
    """Lets receiver answer requests for these paths as choose(number, path, attempt) says."""

    def answer(request):
        number, digest = read_body(request.body)
        attempt = history.next_attempt(number, request.path)
        name, behaviour = choose(number, request.path, attempt)
        history.arrive(
            Arrival(
                number, request.path, request.header("webhook-id"), digest, attempt, name,
                request.arrived,
            )
        )
        return behaviour

    for path in paths:
        receiver.script(path, [answer])
