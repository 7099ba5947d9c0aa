// A certified OpenID provider for tests, with one client. It takes its settings as JSON in the first argument, prints its own
// address, and ends when its standard input does.
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const set = JSON.parse(process.argv[2]);
const server = createServer();
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const at = `http://127.0.0.1:${server.address().port}`;

const people = {
  ann: { email: 'ann@example.com', email_verified: true, name: 'Ann Example', groups: ['ops', 'sales'] },
  bob: { email: 'bob@example.com', email_verified: false, name: 'Bob <b>Example</b>', groups: [] },
};

const provider = new Provider(at, {
  clients: [{
    client_id: set.client,
    client_secret: set.secret,
    redirect_uris: set.callbacks,
    post_logout_redirect_uris: set.signedOut,
    backchannel_logout_uri: set.backChannel || undefined,
    backchannel_logout_session_required: true,
    grant_types: ['authorization_code', 'client_credentials'],
    response_types: ['code'],
    scope: 'openid email profile api',
  }, {
    client_id: 'rmm', client_secret: 'rmm-secret-of-the-tests', redirect_uris: [], response_types: [], grant_types: ['client_credentials'], scope: 'api',
  }],
  scopes: ['openid', 'email', 'profile', 'api'],
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'groups'] },
  pkce: { required: () => true },
  findAccount: (ctx, id) => people[id] && { accountId: id, claims: () => ({ sub: id, ...people[id] }) },
  features: {
    devInteractions: { enabled: true },
    clientCredentials: { enabled: true },
    backchannelLogout: { enabled: true },
    rpInitiatedLogout: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => undefined,
      useGrantedResource: () => false,
      getResourceServerInfo: (ctx, resource) => ({ scope: 'api', audience: resource, accessTokenFormat: 'jwt', accessTokenTTL: 120 }),
    },
  },
  // The site of a test is on a loopback address, which its own way of asking refuses.
  fetch: (url, options) => { delete options.dispatcher; return fetch(url, options); },
  cookies: { keys: ['only for tests, and only for one run'] },
  ttl: { Session: 3600, Grant: 3600, Interaction: 3600, AccessToken: 300, IdToken: 300, ClientCredentials: 120 },
});
provider.on('backchannel.error', (ctx, err) => console.error('back-channel logout failed:', err));
provider.on('server_error', (ctx, err) => console.error('server error:', err));
server.on('request', provider.callback());
process.stdin.on('end', () => process.exit(0)).resume();
console.log(at);
