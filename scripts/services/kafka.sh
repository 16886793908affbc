#!/usr/bin/env bash
# Apache Kafka with one node (KRaft), from the jars on Maven Central. Needs mvn and Java 17 or later. Behind its port, which
# asks for nothing, are that of the controller, one with SASL (PLAIN: user "flows", password "secret of flows"; SCRAM users are
# made by tests) and one with TLS that wants a client's certificate: the key stores in $DIR have the password "windhover".
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
# stores makes the key stores of the broker and of a client, who trust each other.
stores() {
  [ ! -e "$DIR/client.jks" ] || return 0
  rm -f "$DIR"/*.p12 "$DIR"/*.jks
  local who other type
  for who in broker client; do
    keytool -genkeypair -alias $who -keyalg RSA -validity 3650 -dname CN=$who -ext san=ip:127.0.0.1 -storetype PKCS12 -keystore "$DIR/$who.p12" -storepass windhover
  done
  for who in broker client; do
    other=$([ $who = broker ] && echo client || echo broker)
    keytool -exportcert -rfc -alias $other -keystore "$DIR/$other.p12" -storepass windhover -file "$DIR/$other.pem"
    for type in p12 jks; do
      keytool -importcert -noprompt -alias $other -file "$DIR/$other.pem" -keystore "$DIR/$who-trust.$type" -storepass windhover -storetype ${type/p12/PKCS12}
    done
  done
  keytool -importkeystore -srckeystore "$DIR/client.p12" -srcstorepass windhover -destkeystore "$DIR/client.jks" -deststorepass windhover -deststoretype jks
}
up() {
  jars
  stores >>"$LOG" 2>&1 || fail "keytool could not make the key stores"
  cat >"$DIR/server.properties" <<-C
	process.roles=broker,controller
	node.id=1
	controller.quorum.voters=1@127.0.0.1:$((PORT + 1))
	listeners=PLAINTEXT://127.0.0.1:$PORT,CONTROLLER://127.0.0.1:$((PORT + 1)),SASL://127.0.0.1:$((PORT + 2)),TLS://127.0.0.1:$((PORT + 3))
	advertised.listeners=PLAINTEXT://127.0.0.1:$PORT,SASL://127.0.0.1:$((PORT + 2)),TLS://127.0.0.1:$((PORT + 3))
	listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_PLAINTEXT,TLS:SSL
	listener.name.sasl.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
	listener.name.sasl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_flows="secret of flows";
	listener.name.sasl.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
	listener.name.sasl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
	listener.name.tls.ssl.keystore.location=$DIR/broker.p12
	listener.name.tls.ssl.keystore.password=windhover
	listener.name.tls.ssl.truststore.location=$DIR/broker-trust.p12
	listener.name.tls.ssl.truststore.password=windhover
	listener.name.tls.ssl.client.auth=required
	controller.listener.names=CONTROLLER
	log.dirs=$DIR/logs
	offsets.topic.replication.factor=1
	transaction.state.log.replication.factor=1
	transaction.state.log.min.isr=1
	share.coordinator.state.topic.replication.factor=1
	share.coordinator.state.topic.min.isr=1
	group.initial.rebalance.delay.ms=0
	C
  [ -e "$DIR/logs/meta.properties" ] ||
    java -cp "$JARS/*" kafka.tools.StorageTool format -t MkU3OEVBNTcwNTJENDM2Qg --feature share.version=1 -c "$DIR/server.properties" >>"$LOG" 2>&1 || fail "the data directory could not be made"
  background java -Xms128m -Xmx512m -XX:+UseSerialGC -cp "$JARS/*" kafka.Kafka "$DIR/server.properties"
}
ready() { grep -q 'Kafka Server started' "$LOG" && taken; }
main "$@"
