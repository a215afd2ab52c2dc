"""The configuration, ``appliance.toml``: typed, and every mistake in it is listed with its line."""

from appliance.config.load import DEFAULT_FILE, ConfigError, Mistake, load_config, parse_config
from appliance.config.model import Config
from appliance.config.plan import build_plan

__all__ = ["DEFAULT_FILE", "Config", "ConfigError", "Mistake", "build_plan", "load_config", "parse_config"]
