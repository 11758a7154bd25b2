// The way of the incumbent (contract §6.1): one file after the other, each whole in memory, its SHA-256
// in the signature, one PUT.
import { createHash, createHmac } from 'node:crypto'
import { readFile } from 'node:fs/promises'

const { ENDPOINT, BUCKET, ACCESS_KEY, SECRET_KEY } = process.env
const sha256 = (data) => createHash('sha256').update(data).digest('hex')
const hmac = (key, data) => createHmac('sha256', key).update(data).digest()

async function put(path, key) {
  const body = await readFile(path)
  const url = new URL(`/${BUCKET}/${key}`, ENDPOINT)
  const date = new Date().toISOString().replace(/[-:]|\.\d+/g, '')
  const scope = `${date.slice(0, 8)}/us-east-1/s3/aws4_request`
  const digest = sha256(body)
  const names = 'host;x-amz-content-sha256;x-amz-date'
  const headers = `host:${url.host}\nx-amz-content-sha256:${digest}\nx-amz-date:${date}\n`
  const request = ['PUT', url.pathname, '', headers, names, digest].join('\n')
  const text = ['AWS4-HMAC-SHA256', date, scope, sha256(request)].join('\n')
  const signing = scope.split('/').reduce(hmac, `AWS4${SECRET_KEY}`)
  const signature = createHmac('sha256', signing).update(text).digest('hex')
  const answer = await fetch(url, {
    method: 'PUT',
    body: new Uint8Array(body).buffer,
    headers: {
      'x-amz-date': date,
      'x-amz-content-sha256': digest,
      authorization: `AWS4-HMAC-SHA256 Credential=${ACCESS_KEY}/${scope}, SignedHeaders=${names}, Signature=${signature}`,
    },
  })
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`)
}

const files = process.argv.slice(2)
for (let index = 0; index < files.length; index += 2) await put(files[index], files[index + 1])
