#!/usr/bin/env bash
# Apache Kafka with one node (KRaft), from the jars on Maven Central. Needs mvn and Java 17 or later.
NAME=kafka PORT=${KAFKA_PORT:-29092} ADDRESS=127.0.0.1:${KAFKA_PORT:-29092}
. "$(dirname "$0")/lib.sh"
VERSION=4.1.0
jars() {
  JARS=$ROOT/kafka-jars-$VERSION
  [ ! -e "$JARS/complete" ] || return 0
  command -v mvn >/dev/null && command -v java >/dev/null || packages maven default-jdk-headless
  rm -rf "$JARS"
  mkdir -p "$JARS"
  cat >"$JARS/pom.xml" <<-X
	<project><modelVersion>4.0.0</modelVersion><groupId>windhover</groupId><artifactId>kafka</artifactId><version>1</version><dependencies>
	<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$VERSION</version></dependency>
	<dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
	</dependencies></project>
	X
  mvn -q -B -f "$JARS/pom.xml" dependency:copy-dependencies -DoutputDirectory="$JARS" >>"$LOG" 2>&1 || fail "mvn could not load Kafka"
  touch "$JARS/complete"
}
up() {
  jars
  cat >"$DIR/server.properties" <<-C
	process.roles=broker,controller
	node.id=1
	controller.quorum.voters=1@127.0.0.1:$((PORT + 1))
	listeners=PLAINTEXT://127.0.0.1:$PORT,CONTROLLER://127.0.0.1:$((PORT + 1))
	advertised.listeners=PLAINTEXT://127.0.0.1:$PORT
	controller.listener.names=CONTROLLER
	log.dirs=$DIR/data
	offsets.topic.replication.factor=1
	transaction.state.log.replication.factor=1
	transaction.state.log.min.isr=1
	share.coordinator.state.topic.replication.factor=1
	share.coordinator.state.topic.min.isr=1
	group.initial.rebalance.delay.ms=0
	C
  [ -e "$DIR/data/meta.properties" ] ||
    java -cp "$JARS/*" kafka.tools.StorageTool format -t MkU3OEVBNTcwNTJENDM2Qg -c "$DIR/server.properties" >>"$LOG" 2>&1 || fail "the data directory could not be made"
  background java -Xms128m -Xmx512m -XX:+UseSerialGC -cp "$JARS/*" kafka.Kafka "$DIR/server.properties"
}
ready() { grep -q 'Kafka Server started' "$LOG" && taken; }
main "$@"
