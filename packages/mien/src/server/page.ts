// The documentation page: the OpenAPI document as one HTML file without external resources.
import { html, raw } from 'hono/html';
import type { OpenApiDocument, Operation } from './openapi.js';

const STYLE = `
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem; }
code, pre { font-family: ui-monospace, monospace; font-size: .9em; }
pre { padding: .75rem; overflow-x: auto; background: #8881; border-radius: .3rem; }
table { border-collapse: collapse; width: 100%; }
td, th { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; border-top: 1px solid #8884; }
h2 { margin-top: 2.5rem; }
h2 span { font-weight: normal; }
summary { cursor: pointer; }
`;

const pretty = (value: unknown): string => JSON.stringify(value, undefined, 2);

/** Text in which \`backticks\` mark code. */
const prose = (text: string) =>
  text.split('`').map((part, i) => (i % 2 === 1 ? html`<code>${part}</code>` : html`${part}`));

/** An example call; the reader sets `$MIEN` to the address of the service and `$MODEL` to the model's name. */
function call(template: string, method: string, { requestBody, security }: Operation): string {
  const path = template.replaceAll('{name}', '$MODEL').replaceAll('{version}', '1');
  const token = security ? ' -H "Authorization: Bearer $MIEN_TOKEN"' : '';
  const examples = requestBody?.content['application/json']?.examples as
    Record<string, { value: unknown }> | undefined;
  if (!examples) return `curl "$MIEN${path}"${token}`;
  const [example] = Object.values(examples);
  const lines = [
    `curl -X ${method.toUpperCase()} "$MIEN${path}"${token} \\`,
    `  -H 'Content-Type: application/json' -d '${JSON.stringify(example!.value)}'`,
  ];
  if (requestBody?.content['multipart/form-data'])
    lines.push('', `curl "$MIEN${path}"${token} -F text='At last we won!' -F image=@face.jpg`);
  return lines.join('\n');
}

const operationOf = (path: string, method: string, operation: Operation) => html`
  <h2 id="${path}"><span>${method.toUpperCase()}</span> <code>${path}</code></h2>
  <p>${prose(operation.summary)}. ${prose(operation.description ?? '')}</p>
  <pre>${call(path, method, operation)}</pre>
  <table>
    <tr>
      <th>status</th>
      <th>meaning</th>
    </tr>
    ${Object.entries(operation.responses).map(
      ([status, { description }]) =>
        html`<tr>
          <td>${status}</td>
          <td>${prose(description)}</td>
        </tr>`,
    )}
  </table>
`;

/** The page, and its Content-Security-Policy, which allows no external resources. */
export function documentationPage(document: OpenApiDocument): { page: string; policy: string } {
  const { info, paths, components } = document;
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => operationOf(path, method, operation)),
  );
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>${info.title} ${info.version}</title>
        <style>
          ${raw(STYLE)}
        </style>
      </head>
      <body>
        <h1>${info.title} ${info.version}</h1>
        <p>
          ${info.description} In the calls below, <code>$MIEN</code> is the address of this service,
          <code>$MODEL</code> the name of its model. For programs: <a href="openapi.json">OpenAPI 3.1</a>.
        </p>
        ${operations}
        <h2>Schemas</h2>
        ${Object.entries(components.schemas).map(
          ([name, schema]) => html`
            <details>
              <summary><code>${name}</code></summary>
              <pre>${pretty(schema)}</pre>
            </details>
          `,
        )}
      </body>
    </html>`;
  return {
    page: String(page),
    policy:
      "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  };
}
