"""`python -m cloud`: the `dockledger` command, for processes that start themselves again."""

import sys

from cloud.cli import main

sys.exit(main())
