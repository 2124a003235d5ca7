# Superset's settings for a run of its own: SQLite, the REST API without a browser's token.
import os

SECRET_KEY = "of-a-run-of-its-own-0123456789abcdef"
SQLALCHEMY_DATABASE_URI = "sqlite:///" + os.environ["SUPERSET_STATE"] + "/superset.db?check_same_thread=false"
DATA_DIR = os.environ["SUPERSET_STATE"]
WTF_CSRF_ENABLED = False
TALISMAN_ENABLED = False
RATELIMIT_ENABLED = False
FEATURE_FLAGS = {"ESTIMATE_QUERY_COST": True, "ENABLE_TEMPLATE_PROCESSING": True, "DISABLE_LEGACY_DATASOURCE_EDITOR": False}
CACHE_CONFIG = DATA_CACHE_CONFIG = {"CACHE_TYPE": "NullCache"}
SQLLAB_TIMEOUT = 120
ROW_LIMIT = 5000
