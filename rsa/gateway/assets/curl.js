// The same request as a command for a shell. The key is not in it.

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

function curlCommand(body, withKey) {
  const address = new URL("v1/chat/completions", document.baseURI).href;
  const key = withKey ? ['-H "Authorization: Bearer $RSA_API_KEY"'] : [];
  const data = `-d ${quoted(JSON.stringify(body))}`;
  return [`curl -N ${quoted(address)}`, "-H 'Content-Type: application/json'", ...key, data].join(" \\\n  ");
}
