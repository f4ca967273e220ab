// SPDX-License-Identifier: GPL-2.0-only
//
// life.js - what programs in node do all day: node life.js performs it and says what came of it.
// The same words are to be said inside a session as outside.
'use strict';
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const { fork, exec, spawnSync } = require('child_process');
const cluster = require('cluster');
const fs = require('fs');
const http = require('http');
const net = require('net');

const once = (emitter, event) => new Promise((done) => emitter.once(event, done));

async function worker() {
	const shared = new Int32Array(new SharedArrayBuffer(4));
	const thread = new Worker(__filename, { workerData: shared });
	console.log('a thread says', await once(thread, 'message'), 'and wrote', shared[0]);
	await once(thread, 'exit');
}

async function forked() {
	const child = fork(__filename, ['child']);
	child.send(20);
	console.log('a child says', await once(child, 'message'));
	console.log('end', await once(child, 'exit'));
}

function get(where) {
	return new Promise((done, failed) => {
		http.get(where, (response) => {
			let text = '';
			response.on('data', (piece) => (text += piece));
			response.on('end', () => done(text));
		}).on('error', failed);
	});
}

async function clustered() {
	const workers = [cluster.fork(), cluster.fork()];
	const addresses = await Promise.all(workers.map((w) => once(w, 'listening')));
	console.log('a cluster says', await get({ port: addresses[0].port, host: '127.0.0.1', agent: false }));
	workers.forEach((w) => w.kill());
	await Promise.all(workers.map((w) => once(w, 'exit')));
}

async function unix() {
	const path = `node-${process.pid}.socket`;
	const server = net.createServer((c) => c.end('hello by unix socket')).listen(path);
	await once(server, 'listening');
	console.log(String(await once(net.connect(path), 'data')));
	server.close();
}

async function watched() {
	fs.mkdirSync('watched-by-node');
	const watcher = fs.watch('watched-by-node');
	const change = once(watcher, 'change');
	fs.writeFileSync('watched-by-node/file', 'x');
	console.log('watched:', await change);
	watcher.close();
	fs.rmSync('watched-by-node', { recursive: true });
}

async function shell() {
	const child = exec('sleep 1000');
	child.kill();
	await once(child, 'exit');
	console.log('killed by', child.signalCode);
	console.log('a shell says', spawnSync('echo $0; exit 4', { shell: true }).status);
}

async function main() {
	await worker();
	await forked();
	await clustered();
	await unix();
	await watched();
	await shell();
	console.log((await fs.promises.stat('.')).isDirectory(), require('os').cpus().length > 0);
}

if (!isMainThread) {
	Atomics.store(workerData, 0, 42);
	parentPort.postMessage('hello');
} else if (cluster.isWorker) {
	http.createServer((request, response) => response.end('hello by cluster')).listen(0, '127.0.0.1');
} else if (process.argv[2] === 'child') {
	process.once('message', (n) => process.send(n + 1, () => process.exit(5)));
} else {
	main().then(() => process.exit(0));
}
