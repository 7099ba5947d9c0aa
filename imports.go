package psagate

import _ "github.com/psagate/psagate/caddymodule" // what `import _ "github.com/psagate/psagate"` and `xcaddy build --with` are for
