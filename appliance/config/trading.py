"""The sections of trading: what contradicts or is missing in them, and what a data plane is told of them."""

from __future__ import annotations

from dataclasses import fields
from ipaddress import IPv4Address

from appliance.config.model import Config, ScopeLimits
from appliance.config.passwords import first_line
from appliance.config.positions import Path
from appliance.config.reader import Findings, name_of
from appliance.dataplane.limits import Limits, RiskLimits
from appliance.dataplane.plan import Trading
from appliance.errors import ApplianceError, printable
from appliance.strategy import CompiledStrategy, StrategyError, find_strategy

OFF = "off"
# A scope of which no limit was named: zeroed limits refuse every order.
NOT_TRADABLE = RiskLimits(order_qty=0)


def check_trading(config: Config, findings: Findings) -> None:
    """Note what does not fit together."""
    _missing(config, findings)
    _strategy(config, findings)
    _password(config, findings)
    _limits(config, findings)


def _missing(config: Config, findings: Findings) -> None:
    """Note what orders could not go without."""
    mode: Path = ("trading", "mode")
    if config.trading.mode == OFF or not findings.is_fine(mode):
        return
    said = f'trading.mode is "{config.trading.mode}", and'
    if not config.strategy.name and findings.is_fine(("strategy",), ("strategy", "name")):
        findings.add(
            mode, f'{said} strategy.name is missing: name what decides, e.g. [strategy] name = "imbalance"'
        )
    if config.gateway.server is None and findings.is_fine(("gateway",), ("gateway", "server")):
        findings.add(
            mode,
            f"{said} gateway.server is missing: say where orders go, e.g. [gateway] "
            'server = "127.0.0.1:26502"',
        )
    if not has_limits(config) and findings.is_fine(("limits",), ("limits", "symbol"), ("limits", "symbols")):
        findings.add(
            mode,
            f"{said} no symbol has limits, so none may be traded: add [limits.symbol] for all of them, e.g. "
            "order_qty = 100, long_qty = 1000, short_qty = 1000, collar_bps = 500",
        )


def has_limits(config: Config) -> bool:
    """Whether any symbol may be traded."""
    return any(config.limits.of(symbol) != RiskLimits() for symbol in config.books.symbols)


def _strategy(config: Config, findings: Findings) -> None:
    """Let the strategy itself say which parameters it takes."""
    name: Path = ("strategy", "name")
    params: Path = ("strategy", "params")
    if not findings.is_fine(name, params):
        return
    if not config.strategy.name:
        if config.strategy.params:
            findings.add(params, "strategy.params: there is no strategy.name to have them")
        return
    try:
        compiled = load_strategy(config)
    except ApplianceError as error:
        findings.add(name, f"strategy.name: {error}")
        return
    for one, value in config.strategy.params.items():
        try:
            compiled.packed({one: value})
        except StrategyError as error:
            findings.add((*params, one), f"strategy.params: {error}")


def load_strategy(config: Config) -> CompiledStrategy:
    """Return the strategy that the configuration names."""
    return CompiledStrategy.load(find_strategy(config.strategy.name, config.folder))


def _password(config: Config, findings: Findings) -> None:
    path: Path = ("gateway", "password_file")
    if not config.gateway.password_file or not findings.is_fine(path):
        return
    if ("gateway", "password") in findings.given:
        findings.add(path, "gateway.password_file: there is gateway.password too: keep one")
        return
    text = order_password(config)
    if isinstance(text, OSError):
        findings.add(
            path,
            f"gateway.password_file: {printable(config.path(config.gateway.password_file))}: {text.strerror}",
        )
    elif not 1 <= len(text) <= 10 or not text.isascii() or not text.isprintable():
        findings.add(
            path, "gateway.password_file: its first line is not a password of 1 to 10 ASCII characters"
        )


def order_password(config: Config) -> str | OSError:
    """Return the password, or why its file cannot be read."""
    if not config.gateway.password_file:
        return config.gateway.password
    try:
        return first_line(config.path(config.gateway.password_file))
    except OSError as error:
        return error


def _limits(config: Config, findings: Findings) -> None:
    limits = config.limits
    scopes: list[tuple[Path, ScopeLimits]] = [
        (("limits", "account"), limits.account),
        (("limits", "strategy"), limits.strategy),
        (("limits", "symbol"), limits.symbol),
    ]
    scopes += [(("limits", "symbols", symbol), own) for symbol, own in limits.symbols.items()]
    for path, scope in scopes:
        given = [(*path, one.name) for one in fields(scope) if (*path, one.name) in findings.given]
        if not findings.is_fine(*given):
            continue
        one_symbol = path[1] == "symbols"
        whole = config.limits.of(str(path[-1])) if one_symbol else scope.limits
        problem = limits_problem(str(path[1]).removesuffix("s"), whole)
        is_its_own = not one_symbol or problem != limits_problem("symbol", limits.symbol.limits)
        if problem and given and is_its_own:
            name, text = problem
            at = (*path, name) if (*path, name) in findings.given else path
            findings.add(at, f"{name_of((*path, name))}: {text}")
    for symbol in limits.symbols:
        if symbol not in config.books.symbols and findings.is_fine(("books",), ("books", "symbols")):
            findings.add(
                ("limits", "symbols", symbol), f"limits.symbols.{symbol}: books.symbols has no {symbol}"
            )


def limits_problem(scope: str, limits: RiskLimits) -> tuple[str, str] | None:
    """Return which limit of a scope cannot be, and why; ``scope`` is account, strategy or symbol."""
    if scope == "symbol" and limits.gross_dollars is not None:
        return (
            "gross_dollars",
            "only the account and the strategy have one: long_qty and short_qty bound a symbol",
        )
    if limits.orders_per_s is not None and limits.burst is None:
        return "burst", "it is missing: how many orders may go at once, beside orders_per_s?"
    if limits.burst is not None and limits.orders_per_s is None:
        return "burst", "it means nothing without orders_per_s"
    return None


def configured_limits(config: Config) -> dict[str, RiskLimits]:
    """Return the limits of every scope that can be changed: account, strategy, and each symbol."""
    found = {"account": config.limits.account.limits, "strategy": config.limits.strategy.limits}
    for symbol in config.books.symbols:
        limits = config.limits.of(symbol)
        found[symbol] = NOT_TRADABLE if limits == RiskLimits() else limits
    return found


def build_trading(config: Config) -> Trading | None:
    """Return what the stages behind the books are told; None: there are none."""
    if config.trading.mode == OFF:
        return None
    strategy, gateway = load_strategy(config), config.gateway
    password = order_password(config)
    if isinstance(password, OSError):
        raise password
    scopes = configured_limits(config)
    return Trading(
        mode=config.trading.mode,
        groups=config.trading.placement,
        cores=config.cores.trading,
        orders=config.trading.orders,
        call_budget_us=config.trading.call_budget_us,
        gateway=(gateway.server.address, gateway.server.port) if gateway.server else (IPv4Address(0), 0),
        busy_poll_us=gateway.busy_poll_us,
        user=gateway.user,
        password=password,
        session=gateway.session,
        firm=gateway.firm,
        capacity=gateway.capacity,
        display=gateway.display,
        strategy=str(strategy.path.absolute()),
        params=strategy.packed(config.strategy.params),
        limits=as_limits(scopes),
    )


def as_limits(scopes: dict[str, RiskLimits]) -> Limits:
    """Return limits by scope as a plan has them."""
    symbols = {name: limits for name, limits in scopes.items() if name not in ("account", "strategy")}
    return Limits(scopes["account"], scopes["strategy"], NOT_TRADABLE, symbols)
